package io.mosaic.server.objects;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.commons.io.input.BoundedInputStream;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * An upload of one file to the store: in one piece, or in parts, several of which are sent at a time while the next are
 * hashed. No part is held in memory.
 */
final class Upload {
    /** Object metadata: the SHA-256 of the whole, which S3 itself does not compute for an object made of parts. */
    static final String SHA256 = "sha256";

    private static final String ACTION = "upload";
    private static final String TYPE = "application/octet-stream";
    private static final int MOST_PARTS = 10_000; // of S3
    private static final int SENDERS = 4;
    private static final int BUFFER = 1 << 20;

    private final Bucket bucket;
    private final Path file;
    private final String key;
    private final String sha256;

    Upload(Bucket bucket, Path file, String key, String sha256) {
        this.bucket = bucket;
        this.file = file;
        this.key = key;
        this.sha256 = sha256;
    }

    /** A part of the file. */
    private record Part(int number, long from, long bytes, String sha256) {}

    /** @param partBytes the least size sent in parts, and the size of each part but the last */
    void send(long partBytes) {
        try {
            long bytes = Files.size(file);
            if (bytes <= partBytes) {
                sendWhole(bytes);
            } else {
                sendParts(bytes, Math.max(partBytes, Math.ceilDiv(bytes, MOST_PARTS)));
            }
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Sends the file in one request; the store checks the hash of what it received. */
    private void sendWhole(long bytes) {
        bucket.ask(
                ACTION,
                key,
                s3 -> s3.putObject(
                        put -> put.bucket(bucket.name())
                                .key(bucket.full(key))
                                .contentType(TYPE)
                                .checksumSHA256(base64(HexFormat.of().parseHex(sha256)))
                                .metadata(Map.of(SHA256, sha256)),
                        body(0, bytes)));
    }

    private void sendParts(long bytes, long partBytes) throws IOException {
        String id = bucket.ask(
                ACTION,
                key,
                s3 -> s3.createMultipartUpload(create -> create.bucket(bucket.name())
                                .key(bucket.full(key))
                                .contentType(TYPE)
                                .checksumAlgorithm(ChecksumAlgorithm.SHA256)
                                .metadata(Map.of(SHA256, sha256)))
                        .uploadId());
        try {
            complete(id, bytes, sendParts(id, bytes, partBytes));
        } catch (IOException | RuntimeException | Error e) {
            abort(id, e);
            throw e;
        }
    }

    private List<CompletedPart> sendParts(String id, long bytes, long partBytes) throws IOException {
        try (ExecutorService senders = Executors.newFixedThreadPool(
                SENDERS, Thread.ofVirtual().name("upload-", 0).factory())) {
            try {
                List<Future<CompletedPart>> sent = new ArrayList<>();
                MessageDigest whole = Hashes.sha256();
                try (InputStream in = Files.newInputStream(file)) {
                    for (long from = 0; from < bytes; from += partBytes) {
                        long length = Math.min(partBytes, bytes - from);
                        Part part = new Part(sent.size() + 1, from, length, hash(in, length, whole));
                        sent.add(senders.submit(() -> send(id, part)));
                    }
                }
                // each part was hashed in the same pass, so the parts that the store accepts make up this file
                String found = HexFormat.of().formatHex(whole.digest());
                if (!found.equals(sha256)) {
                    throw bucket.failure(ACTION, key, "the SHA-256 of " + file + " is " + found + ", not " + sha256);
                }
                List<CompletedPart> parts = new ArrayList<>();
                for (Future<CompletedPart> part : sent) {
                    parts.add(part.get());
                }
                return parts;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw bucket.failure(ACTION, key, e);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof MosaicException failure ? failure : bucket.failure(ACTION, key, e);
            } finally {
                senders.shutdownNow();
            }
        }
    }

    /** Reads the next part and returns its hash. */
    private static String hash(InputStream in, long length, MessageDigest whole) throws IOException {
        MessageDigest own = Hashes.sha256();
        byte[] buffer = new byte[BUFFER];
        for (long left = length; left > 0; ) {
            int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                throw new EOFException("it became shorter while it was uploaded");
            }
            own.update(buffer, 0, read);
            whole.update(buffer, 0, read);
            left -= read;
        }
        return base64(own.digest());
    }

    private CompletedPart send(String id, Part part) {
        UploadPartResponse answer = bucket.ask(
                ACTION,
                key,
                s3 -> s3.uploadPart(
                        upload -> upload.bucket(bucket.name())
                                .key(bucket.full(key))
                                .uploadId(id)
                                .partNumber(part.number())
                                .checksumSHA256(part.sha256()),
                        body(part.from(), part.bytes())));
        return CompletedPart.builder()
                .partNumber(part.number())
                .eTag(answer.eTag())
                .checksumSHA256(part.sha256())
                .build();
    }

    private void complete(String id, long bytes, List<CompletedPart> parts) {
        bucket.ask(ACTION, key, s3 -> {
            try {
                return s3.completeMultipartUpload(complete -> complete.bucket(bucket.name())
                        .key(bucket.full(key))
                        .uploadId(id)
                        .multipartUpload(all -> all.parts(parts)));
            } catch (NoSuchUploadException e) {
                // an earlier try succeeded, but its answer was lost
                return bucket.head(key)
                        .filter(found -> found.contentLength() == bytes
                                && sha256.equals(found.metadata().get(SHA256)))
                        .orElseThrow(() -> e);
            }
        });
    }

    /** Aborts an upload in parts; one left unfinished costs money and appears in no listing of objects. */
    private void abort(String id, Throwable cause) {
        boolean interrupted = Thread.interrupted(); // else the request would be aborted at once
        try {
            bucket.ask(
                    "take back the upload of",
                    key,
                    s3 -> s3.abortMultipartUpload(abort ->
                            abort.bucket(bucket.name()).key(bucket.full(key)).uploadId(id)));
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Bytes of the file, opened again for each try. */
    private RequestBody body(long from, long bytes) {
        return RequestBody.fromContentProvider(
                ContentStreamProvider.fromInputStreamSupplier(() -> window(from, bytes)), bytes, TYPE);
    }

    private InputStream window(long from, long bytes) {
        try {
            InputStream in = Files.newInputStream(file);
            in.skipNBytes(from);
            return BoundedInputStream.builder()
                    .setInputStream(in)
                    .setMaxCount(bytes)
                    .get();
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String base64(byte[] digest) {
        return Base64.getEncoder().encodeToString(digest);
    }
}
