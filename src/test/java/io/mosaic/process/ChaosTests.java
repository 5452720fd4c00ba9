package io.mosaic.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.KillableDatabase;
import io.mosaic.fixture.ServiceProcess;
import io.mosaic.fixture.TestHome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * An API and two workers on one database and one store, killed, paused and cut off at random for a minute while a client
 * queues jobs: nothing is lost, nothing is done twice, nothing is left over.
 *
 * <p>{@code -Dmosaic.chaos.seed=N} repeats a run as far as timing allows.
 */
@DisabledOnOs(OS.WINDOWS) // has no SIGSTOP
class ChaosTests {
    private static final Logger log = LoggerFactory.getLogger(ChaosTests.class);
    private static final long SEED = Long.getLong("mosaic.chaos.seed", 5);
    private static final Duration CHAOS = Duration.ofSeconds(60);
    private static final int JOBS = 30;
    private static final Duration LEASE = Duration.ofSeconds(3);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private final Random random = new Random(SEED);
    private final Map<Injection, Integer> injected = new EnumMap<>(Injection.class);

    private enum Injection {
        KILL_WORKER,
        PAUSE_WORKER,
        KILL_API,
        KILL_DATABASE,
        KILL_EVERYTHING
    }

    @Test
    void everyJobSucceedsOnceWhateverIsKilled() throws IOException, SQLException {
        furnish();
        try (KillableDatabase database = new KillableDatabase(folder.resolve("postgresql"));
                Fleet fleet = new Fleet(database)) {
            assertThat(fleet.worker(0).api().get("/jobs").statusCode())
                    .as("a worker answers no clients")
                    .isEqualTo(404);
            List<String> jobs = new ArrayList<>();
            long end = System.nanoTime() + CHAOS.toNanos();
            Deque<Injection> next = new ArrayDeque<>(); // each once, however slow the machine is, then again
            boolean chaos = true;
            for (int i = 0; i < JOBS || chaos; i++) {
                if (i < JOBS) {
                    jobs.add(fleet.submit(i));
                }
                chaos = System.nanoTime() < end || injected.size() < Injection.values().length;
                if (chaos && i % 3 == 2) {
                    if (next.isEmpty()) {
                        List<Injection> order = new ArrayList<>(List.of(Injection.values()));
                        Collections.shuffle(order, random);
                        next.addAll(order);
                    }
                    fleet.inject(next.remove());
                }
            }

            for (String job : jobs) {
                Api api = fleet.api();
                await("job " + job)
                        .atMost(Duration.ofMinutes(3))
                        .pollInterval(Duration.ofMillis(100))
                        .until(
                                () -> Api.state(api.job(job)),
                                state -> !state.equals("QUEUED") && !state.equals("RUNNING"));
            }
            assertThat(jobs).doesNotHaveDuplicates().hasSize(JOBS);
            assertThat(jobs)
                    .allSatisfy(job -> assertThat(Api.state(fleet.api().job(job)))
                            .as(fleet.api().job(job).toString())
                            .isEqualTo("SUCCEEDED"));
            assertThat(count(database, "select count(*) from job")).isEqualTo(JOBS);
            assertThat(count(database, "select count(*) from job_event where data->>'state' = 'SUCCEEDED'"))
                    .as("successes that a client was told of")
                    .isEqualTo(JOBS);
            for (int i = 0; i < JOBS; i++) {
                JsonNode verification = Api.json(fleet.api().post("/models/" + output(i) + "/verify", ""));
                assertThat(verification.path("intact").booleanValue())
                        .as(verification.toString())
                        .isTrue();
                assertThat(verification.path("files")).as(output(i)).isNotEmpty();
            }
            fleet.restartWorker(0); // which tidies before it works
            await("an empty staging folder").atMost(Duration.ofSeconds(30)).until(() -> staged().isEmpty());
            log.info(
                    "Seed {}: {} jobs took {} attempts under {}; {} published runs were fenced out",
                    SEED,
                    JOBS,
                    count(database, "select sum(attempt) from job"),
                    injected,
                    fleet.logged("fenced out|stopped: LEASE_LOST"));
        }
    }

    private void furnish() throws IOException {
        Checkpoints.copy(Demo.model(), folder.resolve("models/mosaic/demo"));
        Path corpora = Files.createDirectories(folder.resolve("corpora"));
        Files.copy(Demo.corpus("demo-calibration"), corpora.resolve(TestHome.TEXT + ".txt"));
    }

    private static String output(int job) {
        return "chaos/model-" + job;
    }

    /** Runs for a second or a few on a core. */
    private static ObjectNode request(int job) {
        ObjectNode request = JsonNodeFactory.instance
                .objectNode()
                .put("model", "mosaic/demo")
                .put("sparsity", 0.5)
                .put("category", "unstructured")
                .put("allocation", "uniform")
                .put("method", "wanda")
                .put("output", output(job));
        request.putObject("calibration")
                .put("corpus", TestHome.TEXT)
                .put("samples", 4)
                .put("sequenceLength", 32)
                .put("seed", job);
        request.putObject("evaluation").put("latency", false).putArray("perplexity");
        return request;
    }

    private List<String> staged() {
        try (Stream<Path> folders = Files.list(folder.resolve("models/.staging"))) {
            return folders.map(staged -> staged.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long count(KillableDatabase database, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(database.url());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    /** The processes; one that was killed is started again at once. */
    private final class Fleet implements AutoCloseable {
        private final KillableDatabase database;
        private final List<ServiceProcess> all = new ArrayList<>();
        private ServiceProcess api;
        private final ServiceProcess[] workers;

        Fleet(KillableDatabase database) {
            this.database = database;
            this.api = start("api");
            this.workers = new ServiceProcess[] {start("worker"), start("worker")};
        }

        private ServiceProcess start(String role) {
            ServiceProcess started = ServiceProcess.start(
                    folder,
                    ServiceProcess.QUICK_START,
                    "--mosaic.roles=" + role,
                    "--spring.datasource.url=" + database.url(),
                    "--mosaic.demo.enabled=false",
                    "--mosaic.worker.lease=" + LEASE.toSeconds() + "s",
                    "--mosaic.worker.poll=50ms",
                    "--mosaic.worker.backoff=100ms",
                    "--mosaic.worker.max-attempts=20");
            all.add(started);
            return started;
        }

        Api api() {
            return api.api();
        }

        ServiceProcess worker(int index) {
            return workers[index];
        }

        void restartWorker(int index) {
            workers[index].kill();
            workers[index] = start("worker");
        }

        /** As a client does that wants one job, whatever happens on the way: the same key until there is an answer. */
        String submit(int job) {
            return await("job " + job + " to be taken")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> post(job), Optional::isPresent)
                    .orElseThrow();
        }

        private Optional<String> post(int job) {
            try {
                HttpResponse<String> answer = api().post("/jobs", request(job), "Idempotency-Key", "chaos-" + job);
                if (answer.statusCode() >= 500) {
                    return Optional.empty();
                }
                assertThat(answer.statusCode()).as(answer.body()).isIn(200, 202);
                return Optional.of(Api.json(answer).path("id").stringValue());
            } catch (UncheckedIOException e) {
                return Optional.empty();
            }
        }

        void inject(Injection injection) {
            int worker = random.nextInt(workers.length);
            log.info("Seed {}: {} ({})", SEED, injection, worker);
            injected.merge(injection, 1, Integer::sum);
            switch (injection) {
                case KILL_WORKER -> restartWorker(worker);
                case PAUSE_WORKER -> {
                    workers[worker].pause();
                    String leases =
                            "select count(*) from job where state = 'RUNNING' and lease_until < clock_timestamp()";
                    // until what it held has been taken over, or it held nothing
                    long since = System.nanoTime();
                    await().atMost(LEASE.multipliedBy(10))
                            .pollInterval(Duration.ofMillis(50))
                            .until(() -> System.nanoTime() - since
                                            > LEASE.multipliedBy(2).toNanos()
                                    && count(database, leases) == 0);
                    workers[worker].resume();
                }
                case KILL_API -> {
                    api.kill();
                    api = start("api");
                }
                case KILL_DATABASE -> database.killAndRestart();
                case KILL_EVERYTHING -> {
                    database.kill();
                    all.forEach(ServiceProcess::kill);
                    database.restart();
                    api = start("api");
                    workers[0] = start("worker");
                    workers[1] = start("worker");
                }
            }
        }

        long logged(String pattern) {
            return all.stream()
                    .flatMap(process -> process.log().lines())
                    .filter(line -> line.matches(".*(" + pattern + ").*"))
                    .count();
        }

        @Override
        public void close() {
            all.forEach(ServiceProcess::kill);
        }
    }
}
