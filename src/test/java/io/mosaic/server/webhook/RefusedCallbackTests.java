package io.mosaic.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Receiver;
import io.mosaic.fixture.Requests;
import io.mosaic.server.job.JobQueue;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.hc.client5.http.DnsResolver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Addresses that are not called: not when the job is submitted, and not when it has ended. */
@IdleServerTest
@TestPropertySource(properties = "mosaic.webhook.secret=" + WebhookTest.SECRET)
class RefusedCallbackTests {
    private static final String ELSEWHERE = "http://192.0.2.1/";

    private final Api api;
    private final JdbcClient jdbc;
    private final JobQueue queue;
    private final EndedJobs ended;

    RefusedCallbackTests(Api api, JdbcClient jdbc, JobQueue queue) {
        this.api = api;
        this.jdbc = jdbc;
        this.queue = queue;
        this.ended = new EndedJobs(api, queue);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:8080/jobs",
                "https://[::1]/",
                "http://[::ffff:169.254.169.254]/latest/meta-data",
                "http://localhost:5432/",
            })
    void privateAddressIsAViolation(String url) {
        JsonNode problem = Api.problem(
                api.post("/jobs", Requests.tiny("webhook/private").put("callbackUrl", url)),
                400,
                ErrorCode.INVALID_REQUEST);

        assertThat(problem.path("violations")).hasSize(1);
        JsonNode violation = problem.path("violations").path(0);
        assertThat(violation.path("field").stringValue()).isEqualTo("callbackUrl");
        assertThat(violation.path("message").stringValue()).isEqualTo(PrivateAddressException.REASON);
    }

    @Test
    void planJudgesTheAddressAsAJobDoes() {
        Api.problem(
                api.post("/plans", Requests.tiny("webhook/plan").put("callbackUrl", "http://10.0.0.1/")),
                400,
                ErrorCode.INVALID_REQUEST);
    }

    @Test
    void addressThatBecamePrivateFailsAtOnceAndIsNotCalled() {
        try (Receiver receiver = Receiver.answering(200)) {
            String job = ended.submit(ELSEWHERE);
            jdbc.sql("update job set callback_url = :url where id = :id")
                    .param("url", receiver.url("/"))
                    .param("id", UUID.fromString(job))
                    .update();
            queue.cancel(UUID.fromString(job));

            JsonNode delivery = ended.awaitDelivery(job, "FAILED");

            assertThat(delivery.path("attempts").intValue()).isEqualTo(1);
            assertThat(delivery.path("lastError").stringValue()).isEqualTo(PrivateAddressException.REASON);
            assertThat(receiver.received()).isEmpty();
        }
    }

    @Test
    void nameThatLeadsElsewhereTheSecondTimeIsNotFollowedThere() throws Exception {
        try (Receiver receiver = Receiver.answering(200)) {
            AtomicInteger asked = new AtomicInteger();
            PublicAddresses addresses =
                    new PublicAddresses(false, names(() -> asked.getAndIncrement() == 0 ? "192.0.2.1" : "127.0.0.1"));
            assertThat(addresses.resolve("rebound.example")).hasSize(1);

            WebhookClient client = new WebhookClient(properties(), addresses);
            try {
                assertThat(client.post(URI.create("http://rebound.example:" + receiver.port() + "/"), new byte[1], "s"))
                        .isEqualTo(new WebhookClient.Outcome.Refused(PrivateAddressException.REASON));
            } finally {
                client.destroy();
            }
            assertThat(asked).hasValue(2);
            assertThat(receiver.received()).isEmpty();
        }
    }

    @Test
    void addressThatWasJudgedIsTheOneThatIsConnectedTo() throws Exception {
        try (Receiver receiver = Receiver.answering(200)) {
            AtomicInteger asked = new AtomicInteger();
            PublicAddresses addresses = new PublicAddresses(true, names(() -> {
                asked.incrementAndGet();
                return "127.0.0.1";
            }));
            WebhookClient client = new WebhookClient(properties(), addresses);
            try {
                // no name server knows it
                String host = "receiver.invalid:" + receiver.port();
                assertThat(client.post(URI.create("http://" + host + "/"), new byte[1], "s"))
                        .isEqualTo(new WebhookClient.Outcome.Answered(200));
                assertThat(receiver.received().getFirst().headers().getFirst("Host"))
                        .isEqualTo(host);
            } finally {
                client.destroy();
            }
            assertThat(asked).as("times that the name was resolved").hasValue(1);
        }
    }

    private static WebhookProperties properties() {
        return new WebhookProperties(
                Optional.empty(), false, 1, Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(10));
    }

    private static DnsResolver names(Supplier<String> literal) {
        return new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) {
                return new InetAddress[] {InetAddress.ofLiteral(literal.get())};
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
    }
}
