package io.mosaic.server.objects;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where objects are kept. Credentials are not set here: the AWS SDK finds them.
 *
 * @param bucket absent where no object store is used
 * @param endpoint absent for AWS
 * @param prefix of every key; ends with a slash or is empty
 * @param pathStyle whether the bucket is named in the path, as most stores want it, or in the host name, as on AWS
 * @param presign whether clients load from the store itself, by signed URLs
 * @param presignExpiry how long a signed URL is valid
 */
@ConfigurationProperties("mosaic.s3")
record ObjectStoreProperties(
        Optional<String> bucket,
        Optional<URI> endpoint,
        @DefaultValue("us-east-1") String region,
        @DefaultValue("") String prefix,
        @DefaultValue("false") boolean pathStyle,
        @DefaultValue("false") boolean presign,
        @DefaultValue("15m") Duration presignExpiry) {
    /** The longest expiry that S3 allows. */
    private static final Duration LONGEST = Duration.ofDays(7);

    ObjectStoreProperties {
        if (endpoint.filter(uri -> !plain(uri)).isPresent()) {
            // not quoted: it may hold a password
            throw new IllegalArgumentException(
                    "mosaic.s3.endpoint is not of the form http://host:port or https://host:port");
        }
        prefix = prefix.replaceAll("^/+|/+$", "");
        prefix = prefix.isEmpty() ? "" : prefix + "/";
        if (presignExpiry.compareTo(Duration.ofSeconds(1)) < 0 || presignExpiry.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "mosaic.s3.presign-expiry " + presignExpiry + " is not between 1s and " + LONGEST.toDays() + "d");
        }
    }

    private static boolean plain(URI uri) {
        return ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                && uri.getHost() != null
                && uri.getUserInfo() == null
                && uri.getQuery() == null;
    }
}
