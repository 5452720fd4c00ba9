package io.mosaic.server.objects;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.InputStream;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import org.apache.commons.io.IOUtils;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/** The bucket and the clients of its store. Keys are relative to the configured prefix; failures name the full key. */
final class Bucket implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofSeconds(30);
    private static final int NOT_FOUND = 404;

    private final String name;
    private final String prefix;
    private final String where;
    private final Patience patience;
    private final S3Client s3;
    private final S3Presigner presigner;

    Bucket(ObjectStoreProperties properties, AwsCredentialsProvider credentials, Patience patience) {
        this.name = properties
                .bucket()
                .filter(bucket -> !bucket.isBlank())
                .orElseThrow(() -> new IllegalArgumentException("mosaic.s3.bucket is empty"));
        this.prefix = properties.prefix();
        this.where = properties.endpoint().map(Object::toString).orElse("AWS " + properties.region());
        this.patience = patience;
        Region region = Region.of(properties.region());
        var client = S3Client.builder()
                .region(region)
                .credentialsProvider(credentials)
                .forcePathStyle(properties.pathStyle())
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT)
                        .socketTimeout(SILENCE))
                .overrideConfiguration(configuration -> configuration.retryStrategy(patience.strategy()))
                // our own SHA-256 covers every byte; stores other than AWS may not support other checksums
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
        var signer = S3Presigner.builder()
                .region(region)
                .credentialsProvider(credentials)
                .serviceConfiguration(S3Configuration.builder()
                        .pathStyleAccessEnabled(properties.pathStyle())
                        .build());
        properties.endpoint().ifPresent(endpoint -> {
            client.endpointOverride(endpoint);
            signer.endpointOverride(endpoint);
        });
        this.s3 = client.build();
        this.presigner = signer.build();
    }

    String name() {
        return name;
    }

    Patience patience() {
        return patience;
    }

    S3Presigner presigner() {
        return presigner;
    }

    /** The key in the bucket. */
    String full(String key) {
        return prefix + key;
    }

    /** The caller's form of a key of the bucket, without the prefix. */
    String relative(String full) {
        return full.substring(prefix.length());
    }

    /** @param action what the request does, for the message of its failure */
    <T> T ask(String action, String key, Function<S3Client, T> request) {
        try {
            return request.apply(s3);
        } catch (SdkException e) {
            throw failure(action, key, e);
        }
    }

    Optional<HeadObjectResponse> head(String key) {
        return ask("find", key, s3 -> {
            try {
                return Optional.of(s3.headObject(head -> head.bucket(name).key(full(key))));
            } catch (S3Exception e) {
                if (e.statusCode() == NOT_FOUND) {
                    return Optional.empty();
                }
                throw e;
            }
        });
    }

    /** Bytes of an object, at least one. */
    InputStream open(GetObjectRequest.Builder object, String key, long from, long length) {
        ResponseInputStream<GetObjectResponse> answer = ask(
                "read",
                key,
                s3 -> s3.getObject(object.bucket(name)
                        .key(full(key))
                        .range("bytes=" + from + "-" + (from + length - 1))
                        .build()));
        long sent = answer.response().contentLength();
        if (sent != length) { // the object is shorter, or the store does not support ranges
            IOUtils.closeQuietly(answer);
            throw failure("read", key, "of " + length + " bytes from " + from + " on it sends " + sent);
        }
        return answer;
    }

    MosaicException failure(String action, String key, Throwable cause) {
        return new MosaicException(ErrorCode.IO_ERROR, message(action, key, reason(cause)), cause);
    }

    MosaicException failure(String action, String key, String reason) {
        return new MosaicException(ErrorCode.IO_ERROR, message(action, key, reason));
    }

    private String message(String action, String key, String reason) {
        return "Cannot " + action + " s3://" + name + "/" + full(key) + " at " + where + ": " + reason;
    }

    /** The reason in our words: the messages of the store and its client may quote a whole request. */
    private static String reason(Throwable failure) {
        if (failure instanceof AwsServiceException answer) {
            String code = Optional.ofNullable(answer.awsErrorDetails())
                    .map(AwsErrorDetails::errorCode)
                    .map(word -> " " + word)
                    .orElse("");
            return "the store answers " + answer.statusCode() + code;
        }
        if (failure instanceof UnknownHostException) {
            return "the host is not known";
        }
        if (failure instanceof InterruptedException) {
            return "interrupted";
        }
        if (failure.getCause() != null) {
            return reason(failure.getCause());
        }
        String message = String.valueOf(failure.getMessage());
        return message.startsWith("Unable to load credentials")
                ? "no credentials; the AWS SDK looks for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, among others"
                : message;
    }

    @Override
    public String toString() {
        return "s3://" + name + "/" + prefix + " at " + where;
    }

    @Override
    public void close() {
        s3.close();
        presigner.close();
    }
}
