package io.mosaic.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Receiver;
import io.mosaic.fixture.Requests;
import io.mosaic.server.corpus.CorpusCatalog;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.job.JobService;
import io.mosaic.server.job.JobState;
import io.mosaic.server.report.MeasurementAlias;
import io.mosaic.server.webhook.Deliveries.Claim;
import io.mosaic.server.webhook.Deliveries.Result;
import io.mosaic.server.webhook.Deliveries.State;
import io.mosaic.server.webhook.WebhookClient.Outcome;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The end of a job as a receiver hears it, over real HTTP. */
@WebhookTest
class WebhookDeliveryTests {
    private static final Outcome LATE = new Outcome.Unanswered("no answer within 2000 ms");
    /** As many as there are tasks; the common pool has a single one where there are two cores. */
    private static final Executor THREADS = Thread::startVirtualThread;

    private static final Pattern SIGNATURE = Pattern.compile("t=(\\d+),v1=([0-9a-f]{64})");

    private final Api api;
    private final JdbcClient jdbc;
    private final TransactionTemplate transaction;
    private final JobQueue queue;
    private final JobService jobs;
    private final CorpusCatalog corpora;
    private final Deliveries deliveries;
    private final Signatures signatures;
    private final WebhookProperties properties;
    private final WebhookClient client;
    private final JsonMapper json;
    private final EndedJobs ended;

    WebhookDeliveryTests(
            Api api,
            JdbcClient jdbc,
            PlatformTransactionManager transactions,
            JobQueue queue,
            JobService jobs,
            CorpusCatalog corpora,
            Deliveries deliveries,
            Signatures signatures,
            WebhookProperties properties,
            WebhookClient client,
            JsonMapper json) {
        this.api = api;
        this.jdbc = jdbc;
        this.transaction = new TransactionTemplate(transactions);
        this.queue = queue;
        this.jobs = jobs;
        this.corpora = corpora;
        this.deliveries = deliveries;
        this.signatures = signatures;
        this.properties = properties;
        this.client = client;
        this.json = json;
        this.ended = new EndedJobs(api, queue);
    }

    @BeforeEach
    void emptyTable() {
        jdbc.sql("delete from comparison").update();
        jdbc.sql("delete from job").update();
    }

    @ParameterizedTest
    @EnumSource(
            value = JobState.class,
            names = {"SUCCEEDED", "FAILED", "CANCELLED"})
    void endIsToldAsASignedCloudEvent(JobState end) {
        try (Receiver receiver = Receiver.answering(204)) {
            String job = ended.submit(receiver.url("/hook?for=mosaic"));
            assertThat(api.json("/jobs/" + job + "/deliveries").path("content")).isEmpty();
            ended.end(end);

            JsonNode delivery = ended.awaitDelivery(job, "DELIVERED");

            assertThat(receiver.received()).hasSize(1);
            Receiver.Received received = receiver.received().getFirst();
            assertThat(received.method()).isEqualTo("POST");
            assertThat(received.path()).isEqualTo("/hook?for=mosaic");
            assertThat(received.headers().getFirst("Content-Type")).isEqualTo("application/cloudevents+json");
            JsonNode event = received.json();
            assertThat(event.propertyNames())
                    .containsExactlyInAnyOrder(
                            "specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data");
            assertThat(event.path("specversion").stringValue()).isEqualTo("1.0");
            assertThat(event.path("id")).isEqualTo(delivery.path("id"));
            assertThat(event.path("source").stringValue()).isEqualTo("/jobs/" + job);
            assertThat(event.path("type").stringValue())
                    .isEqualTo("io.mosaic.job." + end.name().toLowerCase(Locale.ROOT));
            assertThat(event.path("subject").stringValue()).isEqualTo(job);
            assertThat(event.path("datacontenttype").stringValue()).isEqualTo("application/json");
            assertThat(event.path("data")).isEqualTo(api.job(job));
            assertThat(Api.state(event.path("data"))).isEqualTo(end.name());
            assertThat(event.path("time")).isEqualTo(api.job(job).path("finishedAt"));
            assertSigned(received);
            assertThat(delivery.path("attempts").intValue()).isEqualTo(1);
            assertThat(delivery.path("lastStatus").intValue()).isEqualTo(204);
            assertThat(delivery.has("nextAttemptAt")).isFalse();
            assertThat(Instant.parse(delivery.path("endedAt").stringValue()))
                    .isAfterOrEqualTo(Instant.parse(delivery.path("createdAt").stringValue()));
        }
    }

    @Test
    void jobNamesItsCallbackAndItsDeliveriesAndNeverTheSecret() {
        try (Receiver receiver = Receiver.answering(200)) {
            String job = ended.cancelled(receiver.url("/hook"));
            ended.awaitDelivery(job, "DELIVERED");

            JsonNode shown = api.job(job);
            assertThat(shown.path("request").path("callbackUrl").stringValue()).isEqualTo(receiver.url("/hook"));
            String link = shown.path("links").path("deliveries").stringValue();
            JsonNode page = api.json(link);
            assertThat(page.path("page").toString())
                    .isEqualTo("{\"size\":1,\"number\":0,\"totalElements\":1,\"totalPages\":1}");
            assertThat(shown + page.toString()).doesNotContain(WebhookTest.SECRET);
            assertThat(new String(receiver.received().getFirst().body(), StandardCharsets.UTF_8))
                    .doesNotContain(WebhookTest.SECRET);
        }
    }

    @Test
    void deliveryIsRepeatedUnderItsIdUntilItIsTaken() {
        try (Receiver receiver = Receiver.answering(500, 429, 200)) {
            String job = ended.cancelled(receiver.url("/"));

            JsonNode delivery = ended.awaitDelivery(job, "DELIVERED");

            assertThat(delivery.path("attempts").intValue()).isEqualTo(3);
            assertThat(delivery.path("lastStatus").intValue()).isEqualTo(200);
            assertThat(receiver.received())
                    .hasSize(3)
                    .allSatisfy(WebhookDeliveryTests::assertSigned)
                    .extracting(Receiver.Received::json)
                    .containsOnly(receiver.received().getFirst().json());
        }
    }

    @Test
    void deliveryThatIsNeverTakenFailsWithTheLastAnswer() {
        try (Receiver receiver = Receiver.answering(302, 503, 418)) {
            String job = ended.cancelled(receiver.url("/"));

            JsonNode delivery = ended.awaitDelivery(job, "FAILED");

            assertThat(delivery.path("attempts").intValue()).isEqualTo(3);
            assertThat(delivery.path("lastStatus").intValue()).isEqualTo(418);
            assertThat(delivery.has("endedAt")).isTrue();
            assertThat(receiver.received()).hasSize(3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void redirectIsAnAnswerLikeAnyOtherAndNotFollowed(int status) {
        try (Receiver target = Receiver.answering(200);
                Receiver receiver = Receiver.with((exchange, earlier) -> {
                    exchange.getResponseHeaders().set("Location", target.url("/elsewhere"));
                    exchange.sendResponseHeaders(status, -1);
                })) {
            assertThat(post(receiver.url("/"))).isEqualTo(new Outcome.Answered(status));
            assertThat(receiver.received()).hasSize(1);
            assertThat(target.received()).isEmpty();
        }
    }

    @Test
    void receiverThatIsAwayIsTriedAgain() {
        String url;
        try (Receiver gone = Receiver.answering(200)) {
            url = gone.url("/");
        }
        String job = ended.cancelled(url);

        JsonNode delivery = ended.awaitDelivery(job, "FAILED");

        assertThat(delivery.path("attempts").intValue()).isEqualTo(3);
        assertThat(delivery.has("lastStatus")).isFalse();
        assertThat(delivery.path("lastError").stringValue()).contains("refused");
    }

    @Test
    void silentReceiverIsNotWaitedFor() {
        CountDownLatch over = new CountDownLatch(1);
        try (Receiver receiver = Receiver.with((exchange, earlier) -> held(over))) {
            assertThat(post(receiver.url("/"))).isEqualTo(LATE);
            assertThat(receiver.received()).hasSize(1);
        } finally {
            over.countDown();
        }
    }

    @Test
    void answerThatComesDropByDropIsNotWaitedFor() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Void> drips = CompletableFuture.runAsync(() -> drip(server), THREADS);

            assertThat(post("http://127.0.0.1:" + server.getLocalPort() + "/")).isEqualTo(LATE);

            drips.join(); // the connection is closed
        }
    }

    /** Fails where it takes much longer than the timeout. */
    private Outcome post(String url) {
        return CompletableFuture.supplyAsync(
                        () -> client.post(URI.create(url), new byte[] {'{', '}'}, "t=0,v1="), THREADS)
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }

    /** A header without an end, a character every tenth of a second. */
    private static void drip(ServerSocket server) {
        CountDownLatch never = new CountDownLatch(1);
        try (Socket socket = server.accept();
                OutputStream out = socket.getOutputStream()) {
            out.write("HTTP/1.1 200 OK\r\nX: ".getBytes(StandardCharsets.US_ASCII));
            while (!never.await(100, TimeUnit.MILLISECONDS)) {
                out.write('x');
            }
        } catch (IOException e) {
            // the client went away
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void bodyOfAnAnswerIsNotRead() {
        CompletableFuture<Long> written = new CompletableFuture<>();
        try (Receiver receiver = Receiver.with((exchange, earlier) -> {
            exchange.sendResponseHeaders(200, 0);
            byte[] block = new byte[1 << 16];
            long bytes = 0;
            try (OutputStream out = exchange.getResponseBody()) {
                while (true) {
                    out.write(block);
                    bytes += block.length;
                }
            } catch (IOException e) {
                written.complete(bytes);
            }
        })) {
            String job = ended.cancelled(receiver.url("/"));

            ended.awaitDelivery(job, "DELIVERED");

            // what the sockets of both sides buffer
            assertThat(written.orTimeout(30, TimeUnit.SECONDS).join()).isLessThan(32L << 20);
        }
    }

    @Test
    void headOfAnAnswerIsLimited() {
        try (Receiver receiver = Receiver.with((exchange, earlier) -> {
            exchange.getResponseHeaders().set("X-Long", "x".repeat(10_000));
            exchange.sendResponseHeaders(200, -1);
        })) {
            String job = ended.cancelled(receiver.url("/"));

            assertThat(ended.awaitDelivery(job, "FAILED").path("lastError").stringValue())
                    .containsIgnoringCase("line length");
        }
    }

    @Test
    void deliveryOfAKilledSenderIsDueWhenItsLeaseHasRunOut() {
        try (Receiver receiver = Receiver.answering(200)) {
            Claim killed = claimedInstead(receiver, Duration.ofMinutes(5));
            assertThat(deliveries.claim(10, Duration.ofMinutes(5)))
                    .as("while the lease runs")
                    .isEmpty();

            jdbc.sql("update webhook_delivery set due_at = clock_timestamp()").update();
            ended.awaitDelivery(killed.job().toString(), "DELIVERED");

            assertThat(receiver.received()).hasSize(1);
            assertThat(receiver.received().getFirst().json().path("id").stringValue())
                    .isEqualTo(killed.id().toString());
            assertThat(ended.delivery(killed.job().toString()).path("attempts").intValue())
                    .isEqualTo(2);
        }
    }

    @Test
    void senderThatLostItsLeaseChangesNothing() {
        try (Receiver receiver = Receiver.answering(200)) {
            Claim lost = claimedInstead(receiver, Duration.ofMinutes(5));
            jdbc.sql("update webhook_delivery set due_at = clock_timestamp()").update();
            JsonNode delivered = ended.awaitDelivery(lost.job().toString(), "DELIVERED");

            Result late = new Result(Optional.empty(), Optional.of("late"));
            assertThat(deliveries.end(lost, State.FAILED, late)).isFalse();
            assertThat(deliveries.postpone(lost, Duration.ZERO, late)).isFalse();

            assertThat(ended.delivery(lost.job().toString())).isEqualTo(delivered);
        }
    }

    /** A delivery in the hands of a sender that never sends it, taken in the transaction that ends the job. */
    private Claim claimedInstead(Receiver receiver, Duration lease) {
        String job = ended.submit(receiver.url("/"));
        List<Claim> claims = Objects.requireNonNull(transaction.execute(status -> {
            queue.cancel(UUID.fromString(job));
            return deliveries.claim(10, lease);
        }));
        assertThat(claims).hasSize(1);
        return claims.getFirst();
    }

    @Test
    void twoSendersSendEachDeliveryOnce() throws Exception {
        try (Receiver receiver = Receiver.answering(200)) {
            List<String> all = IntStream.range(0, 40)
                    .mapToObj(i -> ended.submit(receiver.url("/")))
                    .toList();
            DeliverySender one = sender();
            DeliverySender other = sender();
            all.forEach(job -> queue.cancel(UUID.fromString(job)));
            List<CompletableFuture<Void>> racing = List.of(racing(one), racing(other));
            racing.forEach(CompletableFuture::join);
            one.destroy();
            other.destroy();

            assertThat(receiver.received())
                    .extracting(received -> received.json().path("subject").stringValue())
                    .containsExactlyInAnyOrderElementsOf(all);
            assertThat(all)
                    .allSatisfy(job -> assertThat(
                                    ended.delivery(job).path("attempts").intValue())
                            .isEqualTo(1));
        }
    }

    private CompletableFuture<Void> racing(DeliverySender sender) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        return CompletableFuture.runAsync(
                () -> {
                    while (pending() && System.nanoTime() < deadline) {
                        sender.send();
                    }
                },
                THREADS);
    }

    private boolean pending() {
        return jdbc.sql("select exists (select from webhook_delivery where state = 'PENDING')")
                .query(Boolean.class)
                .single();
    }

    private DeliverySender sender() {
        return new DeliverySender(deliveries, jobs, signatures, client, properties, json);
    }

    @Test
    void endThatIsRolledBackIsNotTold() {
        try (Receiver receiver = Receiver.answering(200)) {
            String job = ended.submit(receiver.url("/"));
            transaction.executeWithoutResult(status -> {
                queue.cancel(UUID.fromString(job));
                assertThat(deliveries.of(UUID.fromString(job))).hasSize(1);
                status.setRollbackOnly();
            });

            assertThat(Api.state(api.job(job))).isEqualTo("QUEUED");
            assertThat(deliveries.of(UUID.fromString(job))).isEmpty();
        }
    }

    @Test
    void jobWithoutACallbackTellsNobody() {
        String job = api.submit(Requests.tiny("webhook/silent"));
        ended.end(JobState.SUCCEEDED);

        assertThat(api.json("/jobs/" + job + "/deliveries").path("content")).isEmpty();
        assertThat(api.job(job).path("links").has("deliveries")).isFalse();
        Api.problem(api.get("/jobs/00000000-0000-0000-0000-000000000000/deliveries"), 404, ErrorCode.JOB_NOT_FOUND);
    }

    @Test
    void deliveryGoesWithItsJob() {
        try (Receiver receiver = Receiver.answering(200)) {
            String job = ended.cancelled(receiver.url("/"));
            ended.awaitDelivery(job, "DELIVERED");

            jdbc.sql("delete from job where id = :id")
                    .param("id", UUID.fromString(job))
                    .update();

            assertThat(deliveries.of(UUID.fromString(job))).isEmpty();
        }
    }

    @Test
    void everyJobOfAComparisonHasItsCallbackAndARecipeMayNameItsOwn() {
        ObjectNode body = Requests.tiny("unused").put("callbackUrl", "http://127.0.0.1:9/all");
        body.remove("output");
        ArrayNode recipes = body.putArray("recipes");
        recipes.addObject().put("name", "shared");
        recipes.addObject().put("name", "own").put("callbackUrl", "http://127.0.0.1:9/own");

        JsonNode comparison = Api.json(api.post("/comparisons", body));

        List<String> urls = new ArrayList<>();
        comparison
                .path("rows")
                .forEach(row -> urls.add(api.job(row.path("job").stringValue())
                        .path("request")
                        .path("callbackUrl")
                        .stringValue()));
        assertThat(urls).containsExactly("http://127.0.0.1:9/all", "http://127.0.0.1:9/own");
    }

    @Test
    void callbackIsNoPartOfWhatIsMeasured() {
        ObjectNode body = Requests.tiny("webhook/measured");
        JobService.Checked without = jobs.check(body);
        JobService.Checked with = jobs.check(body.put("callbackUrl", "http://127.0.0.1:9/"));

        assertThat(with.request().callbackUrl()).isPresent();
        assertThat(alias(with)).isEqualTo(alias(without));
    }

    private MeasurementAlias alias(JobService.Checked checked) {
        return MeasurementAlias.of(
                checked.request(),
                checked.model(),
                corpora.find(checked.request().calibration().corpus()).orElseThrow());
    }

    private static void held(CountDownLatch over) {
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void assertSigned(Receiver.Received received) {
        Matcher signature = SIGNATURE.matcher(received.headers().getFirst("Mosaic-Signature"));
        assertThat(signature.matches()).isTrue();
        byte[] time = (signature.group(1) + ".").getBytes(StandardCharsets.US_ASCII);
        byte[] message = Arrays.copyOf(time, time.length + received.body().length);
        System.arraycopy(received.body(), 0, message, time.length, received.body().length);
        assertThat(signature.group(2))
                .isEqualTo(
                        HexFormat.of().formatHex(hmac(WebhookTest.SECRET.getBytes(StandardCharsets.UTF_8), message)));
        assertThat(Instant.ofEpochSecond(Long.parseLong(signature.group(1))))
                .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
    }

    /** HMAC-SHA256 as RFC 2104 writes it, of a key that fits one block. */
    private static byte[] hmac(byte[] key, byte[] message) {
        byte[] inner = new byte[64];
        byte[] outer = new byte[64];
        for (int i = 0; i < 64; i++) {
            byte k = i < key.length ? key[i] : 0;
            inner[i] = (byte) (k ^ 0x36);
            outer[i] = (byte) (k ^ 0x5c);
        }
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update(inner);
            byte[] hash = sha.digest(message);
            sha.update(outer);
            return sha.digest(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
