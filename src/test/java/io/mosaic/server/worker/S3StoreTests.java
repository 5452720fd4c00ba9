package io.mosaic.server.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.S3Server;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.ServiceProcess;
import io.mosaic.fixture.TestHome;
import io.mosaic.server.MosaicHome;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.model.Location;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import io.mosaic.server.model.Originals;
import io.mosaic.server.objects.ObjectStore;
import io.mosaic.server.objects.StoredObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;

/** Processes with homes of their own that share a database and a bucket. This one sends clients to the bucket. */
@ServerTest
@DirtiesContext
class S3StoreTests {
    private static final String BUCKET = "mosaic-models";
    private static final String PREFIX = "pruned";
    private static final JobQueue.Attempts ATTEMPTS = new JobQueue.Attempts(3, Duration.ZERO);
    private static final PruningReport REPORT = AnyReport.of("s3/any");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path serverFolder;

    @SuppressWarnings("NullAway.Init")
    private static S3Server server;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private final Publication publication;
    private final JobQueue queue;
    private final Workers workers;
    private final ModelStore store;
    private final ModelCatalog catalog;
    private final ObjectStore objects;
    private final StagingJanitor janitor;
    private final BucketJanitor bucketJanitor;
    private final MosaicHome home;
    private final JdbcClient jdbc;
    private final DataSource database;
    private final ApplicationContext context;
    private final Api api;

    S3StoreTests(
            Publication publication,
            JobQueue queue,
            Workers workers,
            ModelStore store,
            ModelCatalog catalog,
            ObjectStore objects,
            StagingJanitor janitor,
            BucketJanitor bucketJanitor,
            MosaicHome home,
            JdbcClient jdbc,
            DataSource database,
            ApplicationContext context,
            Api api) {
        this.publication = publication;
        this.queue = queue;
        this.workers = workers;
        this.store = store;
        this.catalog = catalog;
        this.objects = objects;
        this.janitor = janitor;
        this.bucketJanitor = bucketJanitor;
        this.home = home;
        this.jdbc = jdbc;
        this.database = database;
        this.context = context;
        this.api = api;
    }

    @DynamicPropertySource
    static void bucket(DynamicPropertyRegistry registry) {
        server = S3Server.start(serverFolder, BUCKET);
        System.setProperty("aws.accessKeyId", S3Server.ACCESS_KEY);
        System.setProperty("aws.secretAccessKey", S3Server.SECRET_KEY);
        registry.add("mosaic.s3.bucket", () -> BUCKET);
        registry.add("mosaic.s3.endpoint", () -> server.endpoint());
        registry.add("mosaic.s3.prefix", () -> PREFIX);
        registry.add("mosaic.s3.path-style", () -> true);
        registry.add("mosaic.s3.presign", () -> true);
    }

    @AfterAll
    static void stop() {
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
        server.close();
    }

    @BeforeEach
    void idle() {
        if (workers.isRunning()) {
            workers.stop();
        }
        jdbc.sql("update job set state = 'CANCELLED', finished_at = now() where state in ('QUEUED', 'RUNNING')")
                .update();
        jdbc.sql("update job_output set reserved = false").update();
    }

    @Test
    void modelOfOneProcessIsServedPrunedAndDeletedByAnother() throws IOException, SQLException {
        workers.start();
        String job = api.submit(Requests.tiny("s3/made"));
        api.awaitEnd(job, "SUCCEEDED");
        workers.stop(); // from here on the other one works
        byte[] weights = Files.readAllBytes(home.models().resolve("s3/made/model.safetensors"));
        assertThat(keys("s3/made/"))
                .contains("s3/made/" + job + "-1/model.safetensors", "s3/made/" + job + "-1/config.json")
                .noneMatch(key -> key.contains("/."));

        Path otherHome = Files.createDirectory(folder.resolve("home"));
        FileSystemUtils.copyRecursively(home.corpora(), otherHome.resolve("corpora"));
        try (ServiceProcess process = other(otherHome)) {
            Api other = process.api();
            JsonNode listed = model(other, "s3/made");
            assertThat(listed.path("bytes")).isEqualTo(model(api, "s3/made").path("bytes"));
            assertThat(listed.path("baseModel").stringValue()).isEqualTo(TestHome.TINY);
            assertThat(listed.path("job").stringValue()).isEqualTo(job);
            assertThat(listed.has("createdAt")).isTrue();
            assertThat(other.json("/models/s3/made/files")).isEqualTo(api.json("/models/s3/made/files"));
            assertThat(otherHome.resolve("models/s3/made")).doesNotExist();

            assertThat(other.download("/models/s3/made/files/model.safetensors").body())
                    .isEqualTo(weights);
            assertThat(Api.json(other.post("/models/s3/made/verify", ""))
                            .path("intact")
                            .booleanValue())
                    .isTrue();

            String again = other.submit(Requests.tiny("s3/again").put("model", "s3/made"));
            other.awaitEnd(again, "SUCCEEDED");
            assertRedirected("s3/again", Files.readAllBytes(otherHome.resolve("models/s3/again/model.safetensors")));

            assertThat(other.delete("/models/s3/made").statusCode()).isEqualTo(204);
            assertThat(otherHome.resolve("models/s3/made")).doesNotExist();
        }
        assertThat(keys("s3/made/")).isEmpty();
        assertThat(api.get("/models/s3/made").statusCode()).isEqualTo(404);
        assertThat(ids(api)).contains("s3/again").doesNotContain("s3/made");
        assertThat(catalog.taken(id("s3/made"))).isFalse();
        assertThat(catalog.taken(id("s3/again"))).isTrue();
        janitor.clean();
        assertThat(home.models().resolve("s3/made")).doesNotExist();
    }

    private ServiceProcess other(Path otherHome) throws SQLException {
        HikariDataSource pool = database.unwrap(HikariDataSource.class);
        List<String> jvm = new ArrayList<>(ServiceProcess.QUICK_START);
        jvm.add("-Daws.accessKeyId=" + S3Server.ACCESS_KEY);
        jvm.add("-Daws.secretAccessKey=" + S3Server.SECRET_KEY);
        return ServiceProcess.start(
                otherHome,
                jvm,
                "--spring.datasource.url=" + pool.getJdbcUrl(),
                "--spring.datasource.username=" + pool.getUsername(),
                "--spring.datasource.password="
                        + Optional.ofNullable(pool.getPassword()).orElse(""),
                "--mosaic.demo.enabled=false",
                "--mosaic.worker.poll=50ms",
                "--mosaic.s3.bucket=" + BUCKET,
                "--mosaic.s3.endpoint=" + server.endpoint(),
                "--mosaic.s3.prefix=" + PREFIX,
                "--mosaic.s3.path-style=true");
    }

    /** This process has not got the model, and need not get it. */
    private void assertRedirected(String model, byte[] weights) {
        String path = "/models/" + model + "/files/model.safetensors";
        HttpResponse<byte[]> answer = api.download(path);
        assertThat(answer.statusCode()).isEqualTo(307);
        String etag = answer.headers().firstValue("ETag").orElseThrow();
        URI url = URI.create(answer.headers().firstValue("Location").orElseThrow());
        assertThat(url.getPort()).isEqualTo(server.port());
        assertThat(get(url)).isEqualTo(weights);
        assertThat(api.download(path, "If-None-Match", etag).statusCode()).isEqualTo(304);
        HttpResponse<byte[]> head = api.head(path);
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("ETag")).hasValue(etag);
        assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(weights.length);
        assertThat(api.get("/models/" + model + "/files/none").statusCode()).isEqualTo(404);
        assertThat(api.json("/models/" + model).path("baseModel").stringValue()).isEqualTo("s3/made");
        assertThat(home.models().resolve(model)).doesNotExist();
    }

    @Test
    void publicationThatIsFencedOutLeavesNoObjects() throws IOException {
        JobQueue.Claim lost = claim("s3/lost", Duration.ofSeconds(-1));
        JobQueue.Claim holder = claimNext(Duration.ofMinutes(5));

        assertThat(publication.publish(lost, staged(lost), new CancellationToken()))
                .isFalse();

        assertThat(keys("s3/lost/")).isEmpty();
        assertThat(publication.publish(holder, staged(holder), new CancellationToken()))
                .isTrue();
        assertThat(keys("s3/lost/")).containsExactly(new Location(id("s3/lost"), holder.id(), 2) + "/config.json");
    }

    @Test
    void publicationThatFailsLeavesNoObjects() throws IOException {
        JobQueue.Claim claim = claim("s3/taken", Duration.ofMinutes(5));
        Files.createDirectories(home.models().resolve("s3/taken"));

        assertThatThrownBy(() -> publication.publish(claim, staged(claim), new CancellationToken()))
                .hasMessageContaining("s3/taken appeared");

        assertThat(keys("s3/taken/")).isEmpty();
    }

    @Test
    void nameOfAModelThatLiesElsewhereIsNotTakenOver() throws IOException {
        JobQueue.Claim late = claim("s3/twice", Duration.ofMinutes(5));
        jdbc.sql("update job_output set reserved = false").update();
        Location first = published("s3/twice"); // between the check of the name and its reservation
        removeCopy("s3/twice");

        assertThatThrownBy(() -> publication.publish(late, staged(late), new CancellationToken()))
                .hasMessageContaining("s3/twice appeared");

        assertThat(keys("s3/twice/")).containsExactly(first + "/config.json");
        assertThat(api.post("/models/s3/twice/verify", "").body()).contains("\"intact\":true");
    }

    @Test
    void objectThatIsNotWhatWasPublishedIsRefused() throws IOException {
        Location original = published("s3/corrupt");
        removeCopy("s3/corrupt");
        Path object = server.file(BUCKET, PREFIX + "/" + original + "/config.json");

        Files.writeString(object, "[]"); // under the hash that the upload left
        assertRefused("s3/corrupt", ErrorCode.IO_ERROR);

        Path other = Files.writeString(folder.resolve("other"), "[]");
        objects.upload(other, original + "/config.json", Hashes.files(List.of(other)));
        assertRefused("s3/corrupt", ErrorCode.MODEL_CORRUPT);
    }

    @Test
    void listOfFilesThatLeadsOutOfTheFolderIsRefused() throws IOException {
        Location original = published("s3/outside");
        removeCopy("s3/outside");
        for (String path : List.of("../../../evil", "/tmp/evil", "a/../../evil", ".job", "a//evil", "./evil")) {
            jdbc.sql("update artifact set path = :path where model = 's3/outside'")
                    .param("path", path)
                    .update();

            JsonNode problem = assertRefused("s3/outside", ErrorCode.MODEL_CORRUPT);

            assertThat(problem.path("detail").stringValue()).endsWith(" " + path);
        }
        assertThat(keys("s3/outside/")).containsExactly(original + "/config.json");
    }

    private JsonNode assertRefused(String model, ErrorCode code) {
        JsonNode problem = Api.problem(api.get("/models/" + model + "/archive"), 500, code);
        assertThat(home.models().resolve(model)).doesNotExist();
        assertThat(fetches()).isEmpty();
        return problem;
    }

    @Test
    void severalFetchesAtOnceEndWithOneCopy() throws IOException {
        published("s3/race");
        try (AnnotationConfigApplicationContext process = new AnnotationConfigApplicationContext();
                ExecutorService threads = Executors.newFixedThreadPool(6)) {
            // what another process on the same home has of its own
            process.setParent(context);
            process.register(Originals.class, ModelCatalog.class);
            process.refresh();
            List<ModelCatalog> catalogs = List.of(catalog, process.getBean(ModelCatalog.class));
            assertThat(catalogs.getFirst()).isNotSameAs(catalogs.getLast());
            for (int round = 0; round < 5; round++) {
                removeCopy("s3/race");

                List<CompletableFuture<Optional<ModelCatalog.Entry>>> finds = Stream.of(catalogs, catalogs, catalogs)
                        .flatMap(List::stream)
                        .map(each -> CompletableFuture.supplyAsync(() -> each.find(id("s3/race")), threads))
                        .toList();

                assertThat(finds).allSatisfy(find -> assertThat(find.join()).isPresent());
                assertThat(home.models().resolve("s3/race/config.json")).hasContent("{}");
                assertThat(fetches()).isEmpty();
            }
        }
    }

    @Test
    void copyOfAnEarlierModelGivesWayToTheOneThatHasItsName() throws IOException {
        Location earlier = published("s3/remade");
        Path copy = folder.resolve("copy");
        FileSystemUtils.copyRecursively(home.models().resolve("s3/remade"), copy);
        catalog.delete(id("s3/remade"));
        assertThat(keys("s3/remade/")).isEmpty();
        Location later = published("s3/remade");
        removeCopy("s3/remade");
        FileSystemUtils.copyRecursively(copy, home.models().resolve("s3/remade")); // as in a home that was not asked

        assertThat(catalog.here(id("s3/remade"))).isEmpty();
        assertThat(catalog.find(id("s3/remade"))).isPresent();

        assertThat(home.models().resolve("s3/remade/.original")).hasContent(later.toString());
        assertThat(later).isNotEqualTo(earlier);
    }

    @Test
    void janitorRemovesFetchesThatWereKilledAndNoOthers() throws IOException {
        Path staging = Files.createDirectories(home.staging());
        Path dead = Files.createDirectories(staging.resolve("copy-" + UUID.randomUUID() + "/sub"));
        Path running = Files.createDirectories(staging.resolve("copy-" + UUID.randomUUID() + "/sub"));
        FileTime old = FileTime.from(Instant.now().minus(Duration.ofHours(2)));
        for (Path each : List.of(dead, running)) {
            Files.setLastModifiedTime(Files.writeString(each.resolve("done"), ""), old);
            Files.setLastModifiedTime(each, old);
            Files.setLastModifiedTime(each.getParent(), old);
        }
        Files.writeString(running.resolve("done"), "still more");

        janitor.clean();

        assertThat(dead.getParent()).doesNotExist();
        assertThat(running.resolve("done")).exists();
        FileSystemUtils.deleteRecursively(running.getParent());
    }

    @Test
    void bucketLosesNothingButWhatEndedAttemptsLeft() throws IOException {
        Location live = published("s3/live");
        JobQueue.Claim running = claim("s3/running", Duration.ofMinutes(5));
        List<String> kept = List.of(
                live + "/config.json",
                new Location(id("s3/running"), running.id(), 1) + "/config.json",
                "s3/live/" + UUID.randomUUID() + "-1/of-another-database",
                "s3/live/" + live.job() + "/no-attempt",
                "s3/live/" + live.job() + "-01/no-attempt",
                "s3/no-folder",
                "s3/-no-name/" + live.job() + "-1/file",
                live.job() + "-1/file");
        List<String> abandoned =
                List.of("s3/live/" + live.job() + "-2/config.json", "s3/never/" + live.job() + "-1/sub/config.json");
        Path file = Files.writeString(folder.resolve("file"), "{}");
        String sha256 = Hashes.files(List.of(file));
        Stream.concat(kept.stream(), abandoned.stream()).forEach(key -> objects.upload(file, key, sha256));

        bucketJanitor.clean();

        assertThat(keys("")).containsAll(kept).doesNotContainAnyElementsOf(abandoned);
    }

    /** A model of this home and of the bucket. */
    private Location published(String output) throws IOException {
        JobQueue.Claim claim = claim(output, Duration.ofMinutes(5));
        assertThat(publication.publish(claim, staged(claim), new CancellationToken()))
                .isTrue();
        return new Location(id(output), claim.id(), claim.attempt());
    }

    private JobQueue.Claim claim(String output, Duration lease) {
        api.submit(Requests.tiny(output));
        return claimNext(lease);
    }

    private JobQueue.Claim claimNext(Duration lease) {
        return queue.claim(new JobQueue.Claimant("worker", "cpu", Long.MAX_VALUE, lease), ATTEMPTS)
                .orElseThrow();
    }

    private List<Publication.Staged> staged(JobQueue.Claim claim) throws IOException {
        Path staged = store.stage(ExecuteJob.stagingNames(claim).getFirst());
        Files.writeString(staged.resolve("config.json"), "{}");
        return List.of(new Publication.Staged(id(claim.request().output()), staged, REPORT));
    }

    private void removeCopy(String model) throws IOException {
        assertThat(FileSystemUtils.deleteRecursively(home.models().resolve(model)))
                .isTrue();
    }

    private List<Path> fetches() {
        try (Stream<Path> staged = Files.list(home.staging())) {
            return staged.filter(path -> path.getFileName().toString().startsWith("copy-"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> keys(String in) {
        return objects.list(in).stream().map(StoredObject::key).toList();
    }

    private static JsonNode model(Api api, String id) {
        return api.json("/models")
                .path("content")
                .valueStream()
                .filter(model -> model.path("id").stringValue().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private static List<String> ids(Api api) {
        return api.json("/models")
                .path("content")
                .valueStream()
                .map(model -> model.path("id").stringValue())
                .toList();
    }

    private static ModelId id(String text) {
        return ModelId.parse(text).orElseThrow();
    }

    private static byte[] get(URI url) {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofByteArray())
                    .body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
