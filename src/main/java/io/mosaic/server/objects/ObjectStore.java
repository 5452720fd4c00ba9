package io.mosaic.server.objects;

import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.http.ContentDisposition;
import org.springframework.stereotype.Component;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.EncodingType;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * Objects in a bucket of an S3-compatible store, where one is configured. Keys are relative to the configured prefix,
 * folders end with a slash. Waits a minute for an unavailable store, then fails with IO_ERROR.
 */
@Component
@ConditionalOnProperty("mosaic.s3.bucket")
public class ObjectStore implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ObjectStore.class);
    private static final long PART_BYTES = 16 << 20;

    private final Bucket bucket;
    private final long partBytes;
    private final boolean presigns;
    private final Duration presignExpiry;

    @Autowired
    ObjectStore(ObjectStoreProperties properties) {
        this(properties, DefaultCredentialsProvider.builder().build(), Patience.MINUTE, PART_BYTES);
        log.info("Objects are kept in {}", bucket);
    }

    /** @param partBytes larger files are sent in parts of this size; S3 requires at least 5 MiB for all but the last */
    ObjectStore(
            ObjectStoreProperties properties, AwsCredentialsProvider credentials, Patience patience, long partBytes) {
        this.bucket = new Bucket(properties, credentials, patience);
        this.partBytes = partBytes;
        this.presigns = properties.presign();
        this.presignExpiry = properties.presignExpiry();
    }

    /**
     * Puts a file into the store, replacing any object with the same key. It appears complete or not at all.
     *
     * @param sha256Hex of the file; other bytes are refused
     */
    public void upload(Path file, String key, String sha256Hex) {
        new Upload(bucket, file, key, sha256Hex).send(partBytes);
    }

    /**
     * Copies an object into a file, which appears when it is complete. Compares its hash with the one stored by the
     * upload; for an object without one, from another source, checks only the length.
     *
     * @return its SHA-256, in hex
     */
    public String fetch(String key, Path target) {
        return new Download(bucket, key).to(target);
    }

    public Optional<StoredObject> find(String key) {
        return bucket.head(key)
                .map(found -> new StoredObject(
                        key,
                        found.contentLength(),
                        found.lastModified(),
                        Optional.ofNullable(found.metadata().get(Upload.SHA256))));
    }

    /** All objects in a folder and its subfolders, in order of key. */
    public List<StoredObject> list(String folder) {
        return bucket.ask(
                "list",
                folder,
                s3 -> s3.listObjectsV2Paginator(in(folder).build()).contents().stream()
                        .map(object -> new StoredObject(
                                bucket.relative(object.key()), object.size(), object.lastModified(), Optional.empty()))
                        .toList());
    }

    /** The folders in a folder, each as the common prefix of its keys. */
    public List<String> folders(String folder) {
        return bucket.ask(
                "list",
                folder,
                s3 -> s3.listObjectsV2Paginator(in(folder).delimiter("/").build()).commonPrefixes().stream()
                        .map(common -> bucket.relative(common.prefix()))
                        .toList());
    }

    /** Bytes of an object; reading throws if the store stops before the end. */
    public InputStream open(String key, long from, long length) {
        return length == 0 ? InputStream.nullInputStream() : bucket.open(GetObjectRequest.builder(), key, from, length);
    }

    /** Whether to redirect clients to {@link #presign signed URLs}. */
    public boolean presigns() {
        return presigns;
    }

    /**
     * A URL by which anyone may load the object for a while, under the given name. Does not check that the object
     * exists.
     */
    public URI presign(String key, String downloadName) {
        String attachment = ContentDisposition.attachment()
                .filename(downloadName, StandardCharsets.UTF_8)
                .build()
                .toString();
        return bucket.ask(
                "sign a URL for",
                key,
                s3 -> URI.create(bucket.presigner()
                        .presignGetObject(presign -> presign.signatureDuration(presignExpiry)
                                .getObjectRequest(get -> get.bucket(bucket.name())
                                        .key(bucket.full(key))
                                        .responseContentDisposition(attachment)))
                        .url()
                        .toString()));
    }

    /** Deletes everything in a folder and its subfolders, including unfinished uploads. */
    public void deleteAll(String folder) {
        if (folder.isEmpty()) {
            throw new IllegalArgumentException("Only folders are deleted, not the whole store");
        }
        ListObjectsV2Request all = in(folder).build();
        List<S3Error> kept = bucket.ask("delete", folder, s3 -> {
            s3.listMultipartUploadsPaginator(uploads -> uploads.bucket(bucket.name())
                            .prefix(bucket.full(folder))
                            .encodingType(EncodingType.URL))
                    .uploads()
                    .forEach(upload -> s3.abortMultipartUpload(abort ->
                            abort.bucket(bucket.name()).key(upload.key()).uploadId(upload.uploadId())));
            // a page holds as many keys as one deletion accepts
            return s3.listObjectsV2Paginator(all).stream()
                    .filter(page -> !page.contents().isEmpty())
                    .flatMap(page -> delete(s3, page.contents()).stream())
                    .toList();
        });
        if (!kept.isEmpty()) {
            S3Error first = kept.getFirst();
            throw bucket.failure(
                    "delete",
                    folder,
                    kept.size() + " objects stay, the first for " + first.code() + ": " + first.key());
        }
    }

    /** Returns the objects that could not be deleted. */
    private List<S3Error> delete(S3Client s3, List<S3Object> objects) {
        List<ObjectIdentifier> keys = objects.stream()
                .map(object -> ObjectIdentifier.builder().key(object.key()).build())
                .toList();
        return s3.deleteObjects(deletion -> deletion.bucket(bucket.name())
                        .delete(batch -> batch.objects(keys).quiet(true)))
                .errors();
    }

    /** A listing request; keys are returned encoded, as XML cannot hold every character. */
    private ListObjectsV2Request.Builder in(String folder) {
        if (!folder.isEmpty() && !folder.endsWith("/")) {
            // it would also match folders whose names begin with this one's
            throw new IllegalArgumentException("A folder ends with a slash: " + folder);
        }
        return ListObjectsV2Request.builder()
                .bucket(bucket.name())
                .prefix(bucket.full(folder))
                .encodingType(EncodingType.URL);
    }

    @Override
    public void close() {
        bucket.close();
    }
}
