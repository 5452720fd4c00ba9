package io.mosaic.server.security;

import java.util.Optional;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may use the service.
 *
 * @param bootstrapKey a key with all scopes, for making others; at least {@value #SHORTEST} characters
 * @param required whether a key or token is required even where nothing else requires one
 * @param requestsPerMinute of one key or token, counted by each process separately; 0 sets no limit
 */
@ConfigurationProperties("mosaic.security")
record SecurityProperties(
        Optional<String> bootstrapKey,
        @DefaultValue("false") boolean required,
        @DefaultValue("1200") int requestsPerMinute) {
    static final int SHORTEST = 32;
    private static final String CHARACTERS = "[A-Za-z0-9._~+/-]+=*"; // of a bearer token, RFC 6750

    SecurityProperties {
        bootstrapKey = bootstrapKey.filter(key -> !key.isEmpty());
        if (bootstrapKey.filter(key -> key.length() < SHORTEST).isPresent()) {
            throw new IllegalArgumentException("mosaic.security.bootstrap-key has "
                    + bootstrapKey.get().length() + " characters, at least " + SHORTEST + " are needed");
        }
        if (bootstrapKey.filter(key -> !key.matches(CHARACTERS)).isPresent()) {
            throw new IllegalArgumentException(
                    "mosaic.security.bootstrap-key holds characters other than letters, digits and -._~+/");
        }
        if (requestsPerMinute < 0) {
            throw new IllegalArgumentException(
                    "mosaic.security.requests-per-minute " + requestsPerMinute + " is below 0");
        }
    }

    /** Leaves out the secret. */
    @Override
    public String toString() {
        return "SecurityProperties[required=" + required + ", requestsPerMinute=" + requestsPerMinute + "]";
    }
}
