package io.mosaic.server.webhook;

import io.mosaic.fixture.IdleServerTest;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.test.context.TestPropertySource;

/** An {@link IdleServerTest} that may call receivers on loopback, and loses patience soon. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@IdleServerTest
@TestPropertySource(
        properties = {
            "mosaic.webhook.secret=" + WebhookTest.SECRET,
            "mosaic.webhook.allow-private-addresses=true",
            "mosaic.webhook.max-attempts=3",
            "mosaic.webhook.backoff=1ms",
            "mosaic.webhook.timeout=2s"
        })
@interface WebhookTest {
    String SECRET = "a secret of the tests, 32 characters and more";
}
