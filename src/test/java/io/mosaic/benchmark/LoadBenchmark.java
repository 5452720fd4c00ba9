package io.mosaic.benchmark;

import io.mosaic.MosaicApplication;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.TestHome;
import io.mosaic.server.job.JobQueue;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * A full queue: jobs that many clients submit at once, poll, and that workers claim, heartbeat and finish as fast as the
 * database lets them; nothing is pruned. Clients, service and database share the machine.
 *
 * <p>Run as {@code java … io.mosaic.benchmark.LoadBenchmark [JOBS]}; src/docs/scaling.md has the whole command.
 */
final class LoadBenchmark {
    private static final int CLIENTS = 64;
    private static final int POLLS = 50_000;
    private static final int WORKERS = 16;
    private static final Duration LEASE = Duration.ofMinutes(10);
    private static final JobQueue.Attempts ATTEMPTS = new JobQueue.Attempts(3, Duration.ZERO);

    private LoadBenchmark() {}

    public static void main(String[] args) {
        int jobs = args.length > 0 ? Integer.parseInt(args[0]) : 10_000;
        try (ConfigurableApplicationContext service = new SpringApplicationBuilder(MosaicApplication.class)
                .initializers(new TestHome())
                .run(
                        "--server.port=0",
                        "--mosaic.roles=api",
                        "--mosaic.demo.enabled=false",
                        "--logging.level.root=warn")) {
            Api api = new Api(Integer.parseInt(service.getEnvironment().getRequiredProperty("local.server.port")));
            UUID[] ids = new UUID[jobs];

            System.out.println("| what | how many | per second | p50, ms | p99, ms |");
            System.out.println("|---|---|---|---|---|");
            timed(
                    "POST /jobs",
                    CLIENTS,
                    jobs,
                    i -> ids[i] = UUID.fromString(api.submit(Requests.tiny("load/model-" + i))));
            timed("GET /jobs/{id}", CLIENTS, POLLS, i -> {
                HttpResponse<String> answer =
                        api.get("/jobs/" + ids[ThreadLocalRandom.current().nextInt(jobs)]);
                require(answer.statusCode() == 200, answer.body());
            });
            timed("GET /jobs?state=QUEUED", CLIENTS, 2000, i -> api.json("/jobs?state=QUEUED"));
            claims(service.getBean(JobQueue.class), jobs, ids);

            JdbcClient jdbc = service.getBean(JdbcClient.class);
            long succeeded = jdbc.sql("select count(*) from job where state = 'SUCCEEDED' and attempt = 1")
                    .query(Long.class)
                    .single();
            require(succeeded == jobs, succeeded + " of " + jobs + " jobs succeeded at their first attempt");
        }
    }

    /** Every job is claimed once; each claim is followed by a heartbeat and the job's end. */
    private static void claims(JobQueue queue, int jobs, UUID[] ids) {
        Set<UUID> all = new HashSet<>(List.of(ids));
        Set<UUID> seen = ConcurrentHashMap.newKeySet();
        JobQueue.Claim[] claims = new JobQueue.Claim[jobs];
        timed("claim", WORKERS, jobs, i -> {
            Optional<JobQueue.Claim> claim =
                    queue.claim(new JobQueue.Claimant("load-" + i % WORKERS, "cpu", Long.MAX_VALUE, LEASE), ATTEMPTS);
            require(claim.isPresent(), "no job to claim");
            claims[i] = claim.orElseThrow();
            require(seen.add(claims[i].id()), "job " + claims[i].id() + " was claimed twice");
        });
        require(seen.equals(all), seen.size() + " of " + jobs + " jobs were claimed");
        timed(
                "heartbeat",
                WORKERS,
                jobs,
                i -> require(queue.heartbeat(claims[i], LEASE) == JobQueue.Pulse.HELD, "lease lost"));
        timed("end of a job", WORKERS, jobs, i -> require(queue.succeed(claims[i]), "job lost"));
    }

    private static void timed(String name, int threads, int times, IntConsumer action) {
        long[] nanos = new long[times];
        AtomicInteger next = new AtomicInteger();
        long start = System.nanoTime();
        try (ExecutorService clients = Executors.newFixedThreadPool(threads)) {
            CompletableFuture.allOf(IntStream.range(0, threads)
                            .mapToObj(thread -> CompletableFuture.runAsync(
                                    () -> {
                                        for (int i = next.getAndIncrement(); i < times; i = next.getAndIncrement()) {
                                            long before = System.nanoTime();
                                            action.accept(i);
                                            nanos[i] = System.nanoTime() - before;
                                        }
                                    },
                                    clients))
                            .toArray(CompletableFuture[]::new))
                    .join();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        Arrays.sort(nanos);
        System.out.printf(
                Locale.ROOT,
                "| %s, %d at a time | %d | %.0f | %.1f | %.1f |%n",
                name,
                threads,
                times,
                times / seconds,
                nanos[times / 2] / 1e6,
                nanos[times * 99 / 100] / 1e6);
    }

    private static void require(boolean so, String otherwise) {
        if (!so) {
            throw new IllegalStateException(otherwise);
        }
    }
}
