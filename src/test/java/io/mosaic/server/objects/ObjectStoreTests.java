package io.mosaic.server.objects;

import static io.mosaic.fixture.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.fixture.Relay;
import io.mosaic.fixture.S3Server;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.http.ContentDisposition;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.auth.credentials.SystemPropertyCredentialsProvider;
import software.amazon.awssdk.services.s3.model.MultipartUpload;

/** Against a real S3 server, which is killed, cut off and tampered with. Each test has a prefix of its own. */
@ExtendWith(OutputCaptureExtension.class)
class ObjectStoreTests {
    private static final String BUCKET = "mosaic-tests";
    private static final int PART = 5 << 20; // the least that S3 takes
    private static final int SEVERAL_PARTS = 4 * PART + 12_345;
    private static final Patience SHORT = new Patience(3, Duration.ofMillis(10), Duration.ofMillis(20));
    private static final Patience LONG = new Patience(2000, Duration.ofMillis(10), Duration.ofMillis(50));
    private static final AwsCredentialsProvider CREDENTIALS = credentials(S3Server.SECRET_KEY);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path serverFolder;

    @SuppressWarnings("NullAway.Init")
    private static S3Server server;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private final List<AutoCloseable> opened = new ArrayList<>();
    private String prefix = "";

    @BeforeAll
    static void start() {
        server = S3Server.start(serverFolder, BUCKET);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void separate(TestInfo test) {
        prefix = test.getTestMethod().orElseThrow().getName();
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 12_345, PART, PART + 1, SEVERAL_PARTS})
    void fileComesBackAsItWas(int bytes) throws IOException {
        ObjectStore store = store();
        Path file = file(bytes);
        String sha256 = Hashes.files(List.of(file));

        store.upload(file, "m/weights", sha256);
        store.fetch("m/weights", folder.resolve("back"));

        assertThat(folder.resolve("back")).hasSameBinaryContentAs(file);
        StoredObject found = store.find("m/weights").orElseThrow();
        assertThat(found.bytes()).isEqualTo(bytes);
        assertThat(found.sha256()).hasValue(sha256);
        assertThat(store.list("m/"))
                .containsExactly(new StoredObject("m/weights", bytes, found.lastModified(), Optional.empty()));
        assertThat(pending()).isEmpty();
    }

    @Test
    void laterUploadTakesThePlaceOfAnEarlierOne() throws IOException {
        ObjectStore store = store();
        put(store, "same", file(100));
        Path later = file(200);
        put(store, "same", later);

        store.fetch("same", Files.writeString(folder.resolve("back"), "what was there before"));

        assertThat(folder.resolve("back")).hasSameBinaryContentAs(later);
    }

    @ParameterizedTest
    @ValueSource(ints = {12_345, SEVERAL_PARTS})
    void otherBytesThanPromisedAreRefused(int bytes) throws IOException {
        ObjectStore store = store();
        Path file = file(bytes);

        refused(
                ErrorCode.IO_ERROR,
                () -> store.upload(file, "wrong", Hashes.text("something else")),
                "upload",
                prefix + "/wrong");

        assertThat(store.find("wrong")).isEmpty();
        assertThat(pending()).isEmpty();
    }

    @Test
    void fileThatChangesWhileItIsSentIsRefusedByTheStore() throws Exception {
        Path file = file(SEVERAL_PARTS);
        Relay relay = relay();
        CountDownLatch stalled = relay.stallAfterSending(PART / 2);
        Uploading upload = new Uploading(store(relay.endpoint(), LONG), file, "changed");
        await(stalled);
        upload.awaitAllHashed();

        change(file, 10);
        relay.cut(); // so that the first part is sent again

        refused(ErrorCode.IO_ERROR, upload::end, prefix + "/changed", "BadDigest");
        assertThat(pending()).isEmpty();
        assertThat(store().find("changed")).isEmpty();
    }

    @Test
    void interruptedUploadLeavesNothing() throws Exception {
        Relay relay = relay();
        CountDownLatch stalled = relay.stallAfterSending(PART + PART / 2);
        Uploading upload = new Uploading(store(relay.endpoint(), LONG), file(SEVERAL_PARTS), "interrupted");
        await(stalled);
        assertThat(pending()).hasSize(1);

        upload.thread.interrupt();

        refused(ErrorCode.IO_ERROR, upload::end, prefix + "/interrupted", "interrupted");
        assertThat(upload.interrupted).as("still interrupted").isTrue();
        assertThat(pending()).isEmpty();
        assertThat(store().find("interrupted")).isEmpty();
    }

    @Test
    void storeThatStopsAndStartsAgainDuringAnUploadIsSurvived() throws Throwable {
        Path file = file(SEVERAL_PARTS);
        Relay relay = relay();
        CountDownLatch stalled = relay.stallAfterSending(PART + PART / 2);
        Uploading upload = new Uploading(store(relay.endpoint(), LONG), file, "survivor");
        await(stalled);

        server.kill();
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> relay.refused() > 4);
        server.startAgain();

        upload.end();
        store().fetch("survivor", folder.resolve("back"));
        assertThat(folder.resolve("back")).hasSameBinaryContentAs(file);
        assertThat(pending()).isEmpty();
    }

    /** An earlier try to end the upload was heard and its answer lost; not every store still knows the upload then. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void uploadThatTheStoreHasEndedAlreadyIsWhatTheObjectSays(boolean whole) throws IOException {
        Path file = file(SEVERAL_PARTS);
        String sha256 = Hashes.files(List.of(file));
        URI forgetful = stub(exchange -> {
            exchange.getRequestBody().readAllBytes();
            String query = String.valueOf(exchange.getRequestURI().getQuery());
            exchange.getResponseHeaders().set("ETag", "\"any\"");
            switch (exchange.getRequestMethod()) {
                case "POST" -> {
                    boolean begins = query.startsWith("uploads");
                    byte[] answer = (begins
                                    ? "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
                                    : "<Error><Code>NoSuchUpload</Code></Error>")
                            .getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(begins ? 200 : 404, answer.length);
                    exchange.getResponseBody().write(answer);
                }
                case "HEAD" -> {
                    exchange.getResponseHeaders().set("Content-Length", String.valueOf(SEVERAL_PARTS));
                    exchange.getResponseHeaders().set("x-amz-meta-sha256", whole ? sha256 : "of something else");
                    exchange.sendResponseHeaders(200, -1);
                }
                default -> exchange.sendResponseHeaders(200, -1);
            }
            exchange.close();
        });
        ObjectStore store = store(forgetful, SHORT);

        if (whole) {
            store.upload(file, "forgotten", sha256);
        } else {
            refused(ErrorCode.IO_ERROR, () -> store.upload(file, "forgotten", sha256), "404 NoSuchUpload");
        }
    }

    @Test
    void storeThatStaysAwayIsNamedWithoutCredentials(CapturedOutput output) throws IOException {
        Path file = file(10);
        String sha256 = Hashes.files(List.of(file));
        Relay relay = relay();
        relay.close();
        ObjectStore store = store(relay.endpoint(), SHORT);
        String[] parts = {relay.endpoint().toString(), BUCKET, prefix + "/away", "Connection refused"};

        refused(ErrorCode.IO_ERROR, () -> store.upload(file, "away", sha256), parts);
        refused(ErrorCode.IO_ERROR, () -> store.fetch("away", folder.resolve("back")), parts);
        refused(ErrorCode.IO_ERROR, () -> store.list("away/"), parts);
        assertThat(folder.resolve("back")).doesNotExist();
        secret(catchThrowable(() -> store.find("away")), output, S3Server.SECRET_KEY);
    }

    @Test
    void wrongCredentialsAreRefusedAndNeverQuoted(CapturedOutput output) {
        String wrong = "tooSecretToBeSeen/0000000000000000000000";
        Logger sdk = (Logger) LoggerFactory.getLogger("software.amazon.awssdk");
        Level before = sdk.getLevel();
        sdk.setLevel(Level.DEBUG);
        try {
            ObjectStore store = open(properties(server.endpoint(), prefix), credentials(wrong), SHORT);

            refused(ErrorCode.IO_ERROR, () -> store.list(""), "403 SignatureDoesNotMatch", BUCKET);
            secret(catchThrowable(() -> store.find("any")), output, wrong);
            assertThat(output).contains("software.amazon.awssdk"); // else nothing was looked at
        } finally {
            sdk.setLevel(before);
        }
    }

    @Test
    void missingCredentialsAreSaidToBe() {
        ObjectStore store =
                open(properties(server.endpoint(), prefix), SystemPropertyCredentialsProvider.create(), SHORT);

        refused(ErrorCode.IO_ERROR, () -> store.find("any"), "no credentials", "AWS_ACCESS_KEY_ID", prefix + "/any");
        refused(ErrorCode.IO_ERROR, () -> store.presign("any", "any"), "no credentials");
    }

    @Test
    void busyStoreIsAskedAgain() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        URI busy = stub(exchange -> {
            exchange.getResponseHeaders().set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT");
            exchange.getResponseHeaders().set("Content-Length", "10");
            exchange.sendResponseHeaders(asked.incrementAndGet() < 3 ? 503 : 200, -1);
            exchange.close();
        });

        assertThat(store(busy, SHORT).find("any")).isPresent();
        assertThat(asked).hasValue(3);
        asked.set(-1);
        refused(ErrorCode.IO_ERROR, () -> store(busy, SHORT).find("any"), "the store answers 503");
    }

    @Test
    void patienceIsAboutAMinute() {
        Duration waited = IntStream.range(1, Patience.MINUTE.tries())
                .mapToObj(Patience.MINUTE::pause)
                .reduce(Duration.ZERO, Duration::plus);

        assertThat(waited).isBetween(Duration.ofSeconds(60), Duration.ofSeconds(70));
    }

    @Test
    void fetchGoesOnWhereTheConnectionBroke() throws IOException {
        Path file = file(SEVERAL_PARTS);
        put(store(), "broken", file);
        Relay relay = relay();
        relay.cutAfterReceiving(PART, 3);

        store(relay.endpoint(), LONG).fetch("broken", folder.resolve("back"));

        assertThat(folder.resolve("back")).hasSameBinaryContentAs(file);
        assertThat(relay.received()).isLessThan(SEVERAL_PARTS + PART);
    }

    @Test
    void fetchGivesUpWhenNothingMoreComes() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        URI empty = stub(exchange -> {
            exchange.getResponseHeaders().set("ETag", "\"any\"");
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", "1000");
                exchange.sendResponseHeaders(200, -1);
            } else {
                asked.incrementAndGet();
                exchange.sendResponseHeaders(206, 1000);
                exchange.getResponseBody().flush();
            }
            exchange.close();
        });

        refused(
                ErrorCode.IO_ERROR,
                () -> store(empty, SHORT).fetch("nothing", folder.resolve("back")),
                "fetch",
                prefix + "/nothing");

        assertThat(asked).hasValue(SHORT.tries());
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void corruptedObjectIsRefusedAndLeavesNothing() throws IOException {
        ObjectStore store = store();
        put(store, "corrupted", file(SEVERAL_PARTS));
        change(server.file(BUCKET, prefix + "/corrupted"), SEVERAL_PARTS / 2);
        Path target = Files.createDirectory(folder.resolve("target")).resolve("back");

        refused(ErrorCode.IO_ERROR, () -> store.fetch("corrupted", target), "/corrupted", "SHA-256");

        assertThat(target.getParent()).isEmptyDirectory();
    }

    @Test
    void whatIsNotThereIsNotFound() {
        ObjectStore store = store();

        assertThat(store.find("nothing")).isEmpty();
        assertThat(store.list("")).isEmpty();
        assertThat(store.folders("")).isEmpty();
        refused(ErrorCode.IO_ERROR, () -> store.fetch("nothing", folder.resolve("back")), "/nothing", "no such object");
        refused(ErrorCode.IO_ERROR, () -> store.open("nothing", 0, 1), "/nothing", "404 NoSuchKey");
        store.deleteAll("nothing/");
    }

    @Test
    void listingsAndDeletionsHaveAnyLength() throws IOException {
        ObjectStore store = store();
        int many = 2_103;
        Path objects = Files.createDirectories(server.file(BUCKET, prefix).resolve("many"));
        for (int i = 0; i < many; i++) {
            Files.writeString(objects.resolve("%04d".formatted(i)), "x");
            Files.createDirectories(server.file(BUCKET, prefix).resolve("folders/%04d".formatted(i)));
        }
        put(store, "many-others/kept", file(1));

        assertThat(store.list("many/"))
                .extracting(StoredObject::key)
                .containsExactlyElementsOf(IntStream.range(0, many)
                        .mapToObj("many/%04d"::formatted)
                        .toList());
        assertThat(store.folders("folders/")).hasSize(many).contains("folders/0000/", "folders/2102/");

        store.deleteAll("many/");

        assertThat(store.list("")).extracting(StoredObject::key).containsExactly("many-others/kept");
        assertThat(store.folders("")).contains("many-others/");
    }

    @Test
    void deletionTakesWhatWasHalfUploadedWithIt() {
        ObjectStore store = store();
        Bucket bucket = new Bucket(properties(server.endpoint(), prefix), CREDENTIALS, SHORT);
        opened.add(bucket);
        for (String key : List.of("half/50%+ größe", "half-other/weights")) {
            bucket.ask(
                    "begin",
                    key,
                    s3 -> s3.createMultipartUpload(
                            create -> create.bucket(BUCKET).key(bucket.full(key))));
        }

        store.deleteAll("half/");

        assertThat(pending()).extracting(MultipartUpload::key).containsExactly(prefix + "/half-other/weights");
    }

    @Test
    void onlyFoldersAreListedAndDeleted() {
        ObjectStore store = store();

        assertThatThrownBy(() -> store.deleteAll("")).hasMessageContaining("not the whole store");
        assertThatThrownBy(() -> store.deleteAll("many")).hasMessageContaining("ends with a slash: many");
        assertThatThrownBy(() -> store.list("many")).hasMessageContaining("ends with a slash: many");
        assertThatThrownBy(() -> store.folders("many")).hasMessageContaining("ends with a slash: many");
    }

    @Test
    void prefixesSeeNothingOfEachOther() throws IOException {
        ObjectStore one = open(properties(server.endpoint(), "/" + prefix + "/a/"), CREDENTIALS, SHORT);
        ObjectStore other = open(properties(server.endpoint(), prefix + "/ab"), CREDENTIALS, SHORT);
        put(one, "f/x", file(1));
        put(other, "f/x", file(2));
        put(other, "f/y", file(3));

        assertThat(one.list("")).extracting(StoredObject::key).containsExactly("f/x");
        assertThat(other.folders("")).containsExactly("f/");
        assertThat(one.find("f/y")).isEmpty();
        one.deleteAll("f/");

        assertThat(one.list("")).isEmpty();
        assertThat(other.list("")).extracting(StoredObject::bytes).containsExactly(2L, 3L);
        assertThat(server.file(BUCKET, prefix + "/ab/f/x")).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "with space",
                "plus+and&amp;",
                "50%25 off",
                "größe-模型",
                "#?=:@!$'()*,;[]~",
                "a'b\"c<d>",
                "tab\tnew\nline"
            })
    void keysHoldAnyCharacter(String name) throws Exception {
        ObjectStore store = store();
        String key = "of " + name.hashCode() + "/" + name + "/" + name;
        Path file = file(1000);
        put(store, key, file);

        String top = "of " + name.hashCode() + "/";
        assertThat(server.file(BUCKET, prefix + "/" + key)).hasSameBinaryContentAs(file);
        assertThat(store.find(key)).isPresent();
        assertThat(store.list(top)).extracting(StoredObject::key).containsExactly(key);
        assertThat(store.folders(top)).containsExactly(top + name + "/");
        store.fetch(key, folder.resolve("back"));
        assertThat(folder.resolve("back")).hasSameBinaryContentAs(file);
        assertThat(load(store.presign(key, "any")).body()).isEqualTo(Files.readAllBytes(file));
        store.deleteAll(top + name + "/");
        assertThat(store.list(top)).isEmpty();
    }

    @Test
    void listingsTellKeysThatXmlCannotHold() throws IOException {
        ObjectStore store = store();
        put(store, "of/bell\u0007", file(1));

        assertThat(store.list("of/")).extracting(StoredObject::key).containsExactly("of/bell\u0007");
    }

    @Test
    void rangesAreExact() throws IOException {
        ObjectStore store = store();
        Path file = file(100_000);
        byte[] bytes = Files.readAllBytes(file);
        put(store, "ranges", file);

        assertThat(read(store, 0, 100_000)).isEqualTo(bytes);
        assertThat(read(store, 0, 1)).isEqualTo(Arrays.copyOf(bytes, 1));
        assertThat(read(store, 77, 12_345)).isEqualTo(Arrays.copyOfRange(bytes, 77, 77 + 12_345));
        assertThat(read(store, 99_999, 1)).isEqualTo(Arrays.copyOfRange(bytes, 99_999, 100_000));
        assertThat(read(store, 50, 0)).isEmpty();
        try (InputStream single = store.open("ranges", 5, 2)) {
            assertThat(new int[] {single.read(), single.read(), single.read()})
                    .containsExactly(bytes[5] & 0xff, bytes[6] & 0xff, -1);
        }
        refused(
                ErrorCode.IO_ERROR,
                () -> store.open("ranges", 99_999, 2),
                "/ranges",
                "of 2 bytes from 99999 on it sends 1");
        refused(ErrorCode.IO_ERROR, () -> store.open("ranges", 100_000, 1), "/ranges", "416 InvalidRange");
    }

    @Test
    void rangeThatIsClosedEarlyIsNotReadToItsEnd() throws IOException {
        put(store(), "long", file(SEVERAL_PARTS));
        Relay relay = relay();

        try (InputStream in = store(relay.endpoint(), SHORT).open("long", 0, SEVERAL_PARTS)) {
            assertThat(in.readNBytes(10)).hasSize(10);
        }

        assertThat(relay.received()).isLessThan(SEVERAL_PARTS);
    }

    @Test
    void rangeThatBreaksOffIsNotTakenForTheEnd() throws IOException {
        put(store(), "breaks", file(SEVERAL_PARTS));
        Relay relay = relay();
        relay.cutAfterReceiving(PART, 1);

        try (InputStream in = store(relay.endpoint(), SHORT).open("breaks", 0, SEVERAL_PARTS)) {
            assertThatThrownBy(in::readAllBytes).isInstanceOf(IOException.class);
        }
    }

    @Test
    void signedUrlLoadsUnderAName() throws Exception {
        ObjectStore store = store();
        Path file = file(1000);
        put(store, "signed", file);

        HttpResponse<byte[]> loaded = load(store.presign("signed", "Größe 1.safetensors"));

        assertThat(loaded.statusCode()).isEqualTo(200);
        assertThat(loaded.body()).isEqualTo(Files.readAllBytes(file));
        ContentDisposition disposition = ContentDisposition.parse(
                loaded.headers().firstValue("Content-Disposition").orElseThrow());
        assertThat(disposition.isAttachment()).isTrue();
        assertThat(disposition.getFilename()).isEqualTo("Größe 1.safetensors");
        String url = store.presign("signed", "any").toString();
        assertThat(url).contains("X-Amz-Expires=900").doesNotContain(S3Server.SECRET_KEY);
        assertThat(load(URI.create(url.replace("/signed", "/other"))).statusCode())
                .isEqualTo(403);
    }

    @Test
    void signedUrlEnds() throws Exception {
        put(store(), "brief", file(10));
        ObjectStoreProperties brief = new ObjectStoreProperties(
                Optional.of(BUCKET),
                Optional.of(server.endpoint()),
                "us-east-1",
                prefix,
                true,
                true,
                Duration.ofSeconds(2));
        URI url = open(brief, CREDENTIALS, SHORT).presign("brief", "any");

        assertThat(load(url).statusCode()).isEqualTo(200);
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> load(url).statusCode() == 403);
    }

    /** As the service has it. */
    @EnableConfigurationProperties(ObjectStoreProperties.class)
    private static final class Settings {}

    @Test
    void settingsDecideWhetherThereIsAStore() {
        ApplicationContextRunner context =
                new ApplicationContextRunner().withUserConfiguration(Settings.class, ObjectStore.class);

        context.run(without -> assertThat(without).hasNotFailed().doesNotHaveBean(ObjectStore.class));
        context.withPropertyValues("mosaic.s3.bucket=" + BUCKET, "mosaic.s3.presign=true")
                .run(with ->
                        assertThat(with.getBean(ObjectStore.class).presigns()).isTrue());
        context.withPropertyValues("mosaic.s3.bucket=")
                .run(empty -> assertThat(empty).getFailure().rootCause().hasMessage("mosaic.s3.bucket is empty"));
        context.withPropertyValues("mosaic.s3.endpoint=http://me:hunter2@localhost:9000")
                .run(password -> assertThat(password)
                        .getFailure()
                        .rootCause()
                        .hasMessageContaining("mosaic.s3.endpoint is not of the form"));
        context.withPropertyValues("mosaic.s3.presign-expiry=8d")
                .run(late -> assertThat(late).getFailure().rootCause().hasMessageContaining("between 1s and 7d"));
    }

    /** A file on its way in a thread of its own, which may be interrupted. */
    private static final class Uploading {
        private final CompletableFuture<Boolean> outcome = new CompletableFuture<>();
        private final Thread thread;
        private volatile boolean interrupted;

        Uploading(ObjectStore store, Path file, String key) {
            String sha256 = Hashes.files(List.of(file));
            this.thread = Thread.ofPlatform().start(() -> {
                try {
                    store.upload(file, key, sha256);
                    outcome.complete(true);
                } catch (RuntimeException e) {
                    interrupted = Thread.currentThread().isInterrupted();
                    outcome.completeExceptionally(e);
                }
            });
        }

        /** The thread has read the whole file and waits for the parts to arrive. */
        void awaitAllHashed() {
            Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> thread.getState() == Thread.State.WAITING);
        }

        /** Waits for the end; a failure is thrown. */
        void end() throws Throwable {
            try {
                outcome.get(60, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                throw e.getCause();
            }
        }
    }

    private static AwsCredentialsProvider credentials(String secret) {
        return StaticCredentialsProvider.create(AwsBasicCredentials.create(S3Server.ACCESS_KEY, secret));
    }

    private static ObjectStoreProperties properties(URI endpoint, String prefix) {
        return new ObjectStoreProperties(
                Optional.of(BUCKET), Optional.of(endpoint), "us-east-1", prefix, true, true, Duration.ofMinutes(15));
    }

    private ObjectStore store() {
        return store(server.endpoint(), SHORT);
    }

    private ObjectStore store(URI endpoint, Patience patience) {
        return open(properties(endpoint, prefix), CREDENTIALS, patience);
    }

    private ObjectStore open(ObjectStoreProperties properties, AwsCredentialsProvider credentials, Patience patience) {
        ObjectStore store = new ObjectStore(properties, credentials, patience, PART);
        opened.add(store);
        return store;
    }

    private Relay relay() {
        Relay relay = new Relay(server.port());
        opened.add(relay);
        return relay;
    }

    /** Something that answers as a store in trouble does. */
    private URI stub(HttpHandler handler) throws IOException {
        HttpServer stub = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        stub.createContext("/", handler);
        stub.start();
        opened.add(() -> stub.stop(0));
        return URI.create("http://127.0.0.1:" + stub.getAddress().getPort());
    }

    private List<MultipartUpload> pending() {
        Bucket bucket = new Bucket(properties(server.endpoint(), ""), CREDENTIALS, SHORT);
        opened.add(bucket);
        return bucket.ask(
                "look at",
                prefix,
                s3 -> s3.listMultipartUploads(uploads -> uploads.bucket(BUCKET).prefix(prefix + "/"))
                        .uploads());
    }

    private Path file(int bytes) throws IOException {
        byte[] content = new byte[bytes];
        new Random(bytes).nextBytes(content);
        return Files.write(folder.resolve("file-" + bytes), content);
    }

    private static void put(ObjectStore store, String key, Path file) {
        store.upload(file, key, Hashes.files(List.of(file)));
    }

    private static void change(Path file, long at) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(at);
            int before = bytes.read();
            bytes.seek(at);
            bytes.write(before ^ 1);
        }
    }

    private static byte[] read(ObjectStore store, long from, long length) throws IOException {
        try (InputStream in = store.open("ranges", from, length)) {
            return in.readAllBytes();
        }
    }

    private static HttpResponse<byte[]> load(URI url) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofByteArray());
        }
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    }

    /** Neither the failure with all its causes nor the log knows the credentials. */
    private static void secret(Throwable failure, CapturedOutput output, String secretKey) {
        StringWriter trace = new StringWriter();
        failure.printStackTrace(new PrintWriter(trace));
        assertThat(trace.toString()).contains("Caused by").doesNotContain(secretKey, S3Server.ACCESS_KEY);
        assertThat(output.getAll()).doesNotContain(secretKey);
    }
}
