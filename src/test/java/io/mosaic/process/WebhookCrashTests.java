package io.mosaic.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Receiver;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServiceProcess;
import io.mosaic.fixture.TestHome;
import io.mosaic.fixture.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A service that is killed while it tells the end of a job tells it again once it is back. */
class WebhookCrashTests {
    private static final String SECRET = "known to the receiver and to the service";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path home;

    @BeforeEach
    void furnish() throws IOException {
        TinyModel.random(1).writeTo(home.resolve("models").resolve(TestHome.TINY));
        Path corpora = Files.createDirectories(home.resolve("corpora"));
        Files.writeString(
                corpora.resolve(TestHome.TEXT + ".txt"),
                Files.readString(Demo.corpus("demo-calibration")).substring(0, 6000));
    }

    @Test
    void deliveryThatTheKilledServiceBeganIsSentAgain() {
        CountDownLatch over = new CountDownLatch(1);
        try (Receiver receiver = Receiver.with((exchange, earlier) -> {
            if (earlier == 0) {
                held(over);
            }
            exchange.sendResponseHeaders(200, -1);
        })) {
            String job;
            try (ServiceProcess first = start()) {
                job = first.api().submit(Requests.tiny("crash/told").put("callbackUrl", receiver.url("/")));
                await().atMost(Duration.ofSeconds(90))
                        .until(() -> receiver.received().size() == 1);
                first.kill();
                assertThat(first.log()).doesNotContain(SECRET);
            }

            try (ServiceProcess second = start()) {
                JsonNode delivery = await().atMost(Duration.ofSeconds(60))
                        .until(
                                () -> second.api()
                                        .json("/jobs/" + job + "/deliveries")
                                        .path("content")
                                        .path(0),
                                shown -> Api.state(shown).equals("DELIVERED"));

                assertThat(delivery.path("attempts").intValue()).isEqualTo(2);
                assertThat(receiver.received())
                        .hasSize(2)
                        .extracting(received -> received.json().path("id").stringValue())
                        .containsOnly(delivery.path("id").stringValue());
                assertThat(receiver.received().getFirst().json().path("type").stringValue())
                        .isEqualTo("io.mosaic.job.succeeded");
                assertThat(second.log()).doesNotContain(SECRET);
            }
        } finally {
            over.countDown();
        }
    }

    private ServiceProcess start() {
        return ServiceProcess.start(
                home,
                ServiceProcess.QUICK_START,
                "--mosaic.demo.enabled=false",
                "--mosaic.worker.poll=50ms",
                "--mosaic.webhook.secret=" + SECRET,
                "--mosaic.webhook.allow-private-addresses=true",
                "--mosaic.webhook.timeout=5s");
    }

    private static void held(CountDownLatch over) {
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
