package io.mosaic.server.objects;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;

/**
 * A download of one object to a file: resumes where a connection broke, and names the file once it is complete and
 * verified.
 */
final class Download {
    private static final String ACTION = "fetch";
    private static final int BUFFER = 1 << 20;

    private final Bucket bucket;
    private final String key;
    private final MessageDigest digest = Hashes.sha256();
    private final byte[] buffer = new byte[BUFFER];
    private String fault = "";

    Download(Bucket bucket, String key) {
        this.bucket = bucket;
        this.key = key;
    }

    /** @return the SHA-256 of the received bytes, in hex */
    String to(Path target) {
        HeadObjectResponse object =
                bucket.head(key).orElseThrow(() -> bucket.failure(ACTION, key, "there is no such object"));
        Path beside = target.resolveSibling("." + target.getFileName() + "-" + UUID.randomUUID());
        try {
            try {
                String sha256 = receive(object, beside);
                Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
                return sha256;
            } finally {
                Files.deleteIfExists(beside);
            }
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot write " + target + ": " + e.getMessage(), e);
        }
    }

    private String receive(HeadObjectResponse object, Path file) throws IOException {
        try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long received = 0;
            int failures = 0;
            while (received < object.contentLength()) {
                long more = receive(object, received, out);
                received += more;
                if (received < object.contentLength()) {
                    failures = more > 0 ? 1 : failures + 1;
                    if (failures == bucket.patience().tries()) {
                        throw bucket.failure(ACTION, key, fault);
                    }
                    pause(failures);
                }
            }
        }
        String found = HexFormat.of().formatHex(digest.digest());
        Optional<String> expected = Optional.ofNullable(object.metadata().get(Upload.SHA256));
        if (expected.filter(sha256 -> !sha256.equals(found)).isPresent()) {
            throw bucket.failure(ACTION, key, "its SHA-256 is " + found + ", not " + expected.get());
        }
        return found;
    }

    /** Receives bytes until the end or a fault of the connection; returns their number. */
    private long receive(HeadObjectResponse object, long from, OutputStream out) throws IOException {
        long received = 0;
        // of the same version of the object, else two would be spliced
        GetObjectRequest.Builder same = GetObjectRequest.builder().ifMatch(object.eTag());
        try (InputStream body = bucket.open(same, key, from, object.contentLength() - from)) {
            for (int read = read(body); read >= 0; read = read(body)) {
                out.write(buffer, 0, read);
                digest.update(buffer, 0, read);
                received += read;
            }
        }
        return received;
    }

    private int read(InputStream body) {
        try {
            return body.read(buffer, 0, buffer.length);
        } catch (IOException | SdkException e) { // the latter when interrupted
            fault = String.valueOf(e.getMessage());
            return -1;
        }
    }

    private void pause(int failures) {
        try {
            Thread.sleep(bucket.patience().pause(failures));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw bucket.failure(ACTION, key, e);
        }
    }
}
