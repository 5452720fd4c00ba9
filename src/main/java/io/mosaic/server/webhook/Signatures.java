package io.mosaic.server.webhook;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.stereotype.Component;

/** Signs deliveries where a secret is configured, so that a receiver can verify their sender and time. */
@Component
final class Signatures {
    private static final String ALGORITHM = "HmacSHA256";

    private final Optional<SecretKeySpec> key;

    Signatures(WebhookProperties properties) {
        this.key = properties.secret().map(text -> new SecretKeySpec(text.getBytes(StandardCharsets.UTF_8), ALGORITHM));
    }

    boolean possible() {
        return key.isPresent();
    }

    /**
     * The header {@code Mosaic-Signature}.
     *
     * @param seconds since 1970, signed with the body so that an old message cannot be replayed as a new one
     */
    String of(long seconds, byte[] body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key.orElseThrow());
            mac.update((seconds + ".").getBytes(StandardCharsets.US_ASCII));
            return "t=" + seconds + ",v1=" + HexFormat.of().formatHex(mac.doFinal(body));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("This Java has no " + ALGORITHM, e);
        }
    }
}
