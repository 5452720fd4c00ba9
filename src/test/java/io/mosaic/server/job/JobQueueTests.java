package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.pipeline.PipelineStage;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.server.job.JobQueue.Attempts;
import io.mosaic.server.job.JobQueue.Claim;
import io.mosaic.server.job.JobQueue.Claimant;
import io.mosaic.server.job.JobQueue.Pulse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** The job table as a queue, on a real PostgreSQL. */
@IdleServerTest
class JobQueueTests {
    private static final Duration LEASE = Duration.ofMinutes(5);

    /** A lease that has run out when it begins: its worker went silent. */
    private static final Duration RUN_OUT = Duration.ofSeconds(-1);

    /** Nothing waits. */
    private static final Attempts ATTEMPTS = attempts(3);

    private final JobQueue queue;
    private final JobRepository jobs;
    private final JdbcClient jdbc;
    private final TransactionTemplate transaction;
    private final QueuedJobs queued;

    JobQueueTests(JobQueue queue, JobRepository jobs, JdbcClient jdbc, PlatformTransactionManager transactions) {
        this.queue = queue;
        this.jobs = jobs;
        this.jdbc = jdbc;
        this.transaction = new TransactionTemplate(transactions);
        this.queued = new QueuedJobs(jobs);
    }

    @BeforeEach
    void emptyTable() {
        jdbc.sql("delete from job").update();
    }

    @Test
    void racingWorkersClaimEveryJobExactlyOnce() {
        Set<UUID> submitted = new HashSet<>();
        IntStream.range(0, 80).forEach(i -> submitted.add(queued.add()));
        CountDownLatch start = new CountDownLatch(1);

        List<CompletableFuture<List<Claim>>> workers = IntStream.range(0, 4)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> claimUntilEmpty("racer-" + i, start)))
                .toList();
        start.countDown();
        List<Claim> claims = workers.stream().flatMap(w -> w.join().stream()).toList();

        assertThat(claims).extracting(Claim::id).doesNotHaveDuplicates().hasSameElementsAs(submitted);
        assertThat(claims).extracting(Claim::attempt).containsOnly(1);
    }

    private List<Claim> claimUntilEmpty(String worker, CountDownLatch start) {
        List<Claim> claims = new ArrayList<>();
        try {
            start.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        for (Optional<Claim> claim = claim(worker, LEASE); claim.isPresent(); claim = claim(worker, LEASE)) {
            claims.add(claim.get());
        }
        return claims;
    }

    @Test
    void claimThatIsNotCommittedHoldsUpNobody() {
        UUID first = queued.add(Instant.EPOCH);
        UUID second = queued.add(Instant.EPOCH.plusSeconds(1));

        transaction.executeWithoutResult(status -> {
            assertThat(claim("slow", LEASE)).map(Claim::id).contains(first);
            CompletableFuture<Optional<Claim>> other = CompletableFuture.supplyAsync(() -> claim("quick", LEASE));
            assertThat(other.join()).map(Claim::id).contains(second);
        });
    }

    @Test
    void oldestJobIsClaimedFirst() {
        UUID third = queued.add(Instant.EPOCH.plusSeconds(3));
        UUID first = queued.add(Instant.EPOCH.plusSeconds(1));
        UUID second = queued.add(Instant.EPOCH.plusSeconds(2));

        assertThat(claimUntilEmpty("fifo", new CountDownLatch(0)))
                .extracting(Claim::id)
                .containsExactly(first, second, third);
    }

    @Test
    void jobWhoseWorkerWentSilentKeepsItsPlaceInTheQueue() {
        UUID first = queued.add(Instant.EPOCH);
        queued.add(Instant.EPOCH.plusSeconds(1));
        claim("silent", RUN_OUT);

        assertThat(claim("next", LEASE)).map(Claim::id).contains(first);
    }

    @Test
    void jobThatDoesNotFitIsLeftForARoomierDevice() {
        UUID large = queued.add(Instant.EPOCH, 1001);
        UUID small = queued.add(Instant.EPOCH.plusSeconds(1), 1000);

        assertThat(queue.claim(new Claimant("small", "cpu", 1000, LEASE), ATTEMPTS))
                .map(Claim::id)
                .contains(small);
        assertThat(queue.claim(new Claimant("small", "cpu", 1000, LEASE), ATTEMPTS))
                .isEmpty();
        assertThat(queue.claim(new Claimant("large", "cuda:0", 1001, LEASE), ATTEMPTS))
                .map(Claim::id)
                .contains(large);
    }

    @Test
    void claimGivesTheRequestAsItWasResolved() {
        UUID id = queued.add();

        assertThat(claimed(LEASE).request()).isEqualTo(QueuedJobs.request(id));
    }

    @Test
    void heartbeatKeepsTheJob() {
        queued.add();
        Claim claim = claimed(RUN_OUT);

        assertThat(queue.heartbeat(claim, LEASE)).isEqualTo(Pulse.HELD);
        assertThat(claim("other", LEASE)).isEmpty();
    }

    @Test
    void heartbeatHearsThatTheJobIsToBeCancelled() {
        Claim claim = running();
        queue.cancel(claim.id());

        assertThat(queue.heartbeat(claim, LEASE)).isEqualTo(Pulse.CANCEL_REQUESTED);
        assertThat(queue.hold(claim)).isFalse(); // so nothing is published any more
        assertThat(queue.markCancelled(claim)).isTrue();
        assertThat(job(claim).state()).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void workerThatLostItsLeaseChangesNothing() {
        queued.add();
        Claim lost = claimed(RUN_OUT);
        Claim holder = claimed(LEASE);

        assertThat(holder.attempt()).isEqualTo(lost.attempt() + 1);
        assertRefused(lost);
        assertThat(queue.heartbeat(holder, LEASE)).isEqualTo(Pulse.HELD);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1, 3})
    void onlyTheAttemptThatRunsMayWrite(int attempt) {
        queued.add();
        claimed(RUN_OUT);
        Claim holder = claimed(LEASE);

        assertThat(holder.attempt()).isEqualTo(2);
        assertRefused(new Claim(holder.id(), attempt, holder.request(), Optional.empty()));
    }

    @ParameterizedTest
    @EnumSource(names = {"SUCCEEDED", "FAILED", "CANCELLED"})
    void endedJobStaysAsItIs(JobState end) {
        Claim claim = running();
        boolean ended = switch (end) {
            case SUCCEEDED -> queue.succeed(claim);
            case FAILED -> queue.fail(claim, ErrorCode.TENSOR_NOT_FINITE, "NaN");
            case CANCELLED -> queue.markCancelled(claim);
            case QUEUED, RUNNING -> false;
        };
        assertThat(ended).isTrue();
        assertThat(job(claim).state()).isEqualTo(end);

        assertRefused(claim);
        assertUnchanged(claim, c -> queue.cancel(c.id()));
        assertUnchanged(claim, c -> queue.sweep(attempts(1)));
        assertThat(claim("other", LEASE)).isEmpty();
    }

    @Test
    void requestThatThisReleaseDoesNotKnowFailsItsOwnJobOnly() {
        UUID first = queued.add();
        UUID second = queued.add();
        jdbc.sql("update job set request = cast('{\"category\": \"of another release\"}' as json),"
                        + " submitted_at = submitted_at - interval '1 minute' where id = :id")
                .param("id", first)
                .update();

        assertThat(claim("one", LEASE)).isEmpty();

        assertThat(claim("one", LEASE)).map(Claim::id).contains(second);
        assertThat(jdbc.sql("select state || ' ' || error_code || ' ' || error_detail from job where id = :id")
                        .param("id", first)
                        .query(String.class)
                        .single())
                .startsWith("FAILED INTERNAL_ERROR The stored request cannot be read");
    }

    @Test
    void releasedJobIsTakenByAnotherAtOnce() {
        Claim claim = running();
        queue.progress(claim, PipelineStage.PRUNING, 3, 8);

        assertThat(queue.release(claim)).hasValue(JobState.QUEUED);

        Job waiting = job(claim);
        assertThat(waiting.state()).isEqualTo(JobState.QUEUED);
        assertThat(waiting.worker()).isEmpty();
        assertThat(waiting.device()).isEmpty();
        assertThat(waiting.progress()).isEmpty();
        assertRefused(claim);
        assertThat(claim("other", LEASE)).map(Claim::attempt).contains(2);
        assertThat(job(claim).worker()).contains("other");
    }

    @Test
    void jobToBeCancelledEndsWhenItsWorkerReleasesIt() {
        Claim claim = running();
        queue.cancel(claim.id());

        assertThat(queue.release(claim)).hasValue(JobState.CANCELLED);

        assertThat(job(claim).state()).isEqualTo(JobState.CANCELLED);
        assertThat(job(claim).finishedAt()).isPresent();
        assertThat(states(claim)).endsWith("CANCELLED");
    }

    @Test
    void cancelThatMeetsAReleaseIsNotLost() {
        Claim claim = running();

        CompletableFuture<Void> cancel = transaction.execute(status -> {
            queue.release(claim);
            CompletableFuture<Void> meeting = CompletableFuture.runAsync(() -> queue.cancel(claim.id()));
            await().until(() -> jdbc.sql("select exists (select from pg_locks where not granted)")
                    .query(Boolean.class)
                    .single());
            return meeting;
        });
        Objects.requireNonNull(cancel).join();

        assertThat(job(claim).state()).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void jobThatLostItsWorkerTooOftenFails() {
        queued.add();
        Claim last = claimed(RUN_OUT);
        queue.sweep(ATTEMPTS);
        last = claimed(RUN_OUT);
        queue.sweep(ATTEMPTS);
        last = claimed(RUN_OUT);
        assertThat(job(last).state()).isEqualTo(JobState.RUNNING);

        queue.sweep(ATTEMPTS);

        Job job = job(last);
        assertThat(job.state()).isEqualTo(JobState.FAILED);
        assertThat(job.failure()).hasValueSatisfying(failure -> {
            assertThat(failure.code()).isEqualTo("ATTEMPTS_EXHAUSTED");
            assertThat(failure.type()).isEqualTo("INTERNAL_ERROR");
            assertThat(failure.detail()).contains("silent: 3");
        });
        assertThat(states(last)).containsExactly("RUNNING", "RUNNING", "RUNNING", "FAILED");
        assertRefused(last);
    }

    @Test
    void furtherLayerStartsTheCountAnew() {
        queued.add();
        for (int layer = 1; layer <= 5; layer++) {
            Claim claim = claimed(RUN_OUT);
            assertThat(queue.progress(claim, PipelineStage.PRUNING, layer, 8)).isTrue();
            queue.sweep(attempts(2));
        }
        Claim stuck = claimed(RUN_OUT);
        queue.progress(stuck, PipelineStage.PRUNING, 5, 8); // the layers that were taken over, and no further one
        queue.sweep(attempts(2));

        assertThat(job(stuck).state()).isEqualTo(JobState.FAILED);
    }

    @Test
    void jobWhoseAttemptFailedWaitsLongerEachTimeAndThenFails() {
        queued.add();
        Attempts patient = new Attempts(3, Duration.ofHours(1));
        Claim claim = claimed(LEASE);

        assertThat(queue.retry(claim, ErrorCode.IO_ERROR, "the store is away", patient))
                .contains(JobState.QUEUED);

        assertThat(job(claim).failure()).map(Job.Failure::detail).contains("the store is away");
        assertThat(job(claim).worker()).isEmpty();
        assertThat(waitsMinutes(claim)).as("five minutes are the most").isEqualTo(5);
        assertThat(claim("eager", LEASE)).isEmpty();

        passTheWait(claim);
        claim = claimed(LEASE);
        assertThat(job(claim).failure()).isEmpty();
        assertThat(queue.retry(claim, ErrorCode.IO_ERROR, "again", patient)).contains(JobState.QUEUED);
        passTheWait(claim);
        claim = claimed(LEASE);

        assertThat(queue.retry(claim, ErrorCode.IO_ERROR, "and again", patient)).contains(JobState.FAILED);
        assertThat(job(claim).finishedAt()).isPresent();
        assertRefused(claim);
    }

    @Test
    void jobThatKeepsLosingItsWorkerWaitsFromTheSecondTimeOn() {
        queued.add();
        Attempts patient = new Attempts(9, Duration.ofMinutes(1));
        Claimant claimant = new Claimant("worker", "cpu", Long.MAX_VALUE, RUN_OUT);

        assertThat(queue.claim(claimant, patient)).isPresent();
        assertThat(queue.claim(claimant, patient)).as("after the first").isPresent();
        assertThat(queue.claim(claimant, patient)).as("after the second").isEmpty();
    }

    @Test
    void jobThatOutgrewItsDeviceWaitsForARoomierOne() {
        queued.add();
        Claim claim = claimed(LEASE);

        assertThat(queue.outgrow(claim, 1000)).contains(JobState.QUEUED);

        assertThat(queue.claim(new Claimant("same", "cpu", 1000, LEASE), ATTEMPTS))
                .isEmpty();
        assertThat(queue.claim(new Claimant("larger", "cuda:0", 1001, LEASE), ATTEMPTS))
                .map(Claim::id)
                .contains(claim.id());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void jobToBeCancelledEndsWhereItsAttemptFails(boolean outgrown) {
        Claim claim = running();
        queue.cancel(claim.id());

        assertThat(outgrown ? queue.outgrow(claim, 1) : queue.retry(claim, ErrorCode.IO_ERROR, "away", ATTEMPTS))
                .contains(JobState.CANCELLED);
        assertThat(job(claim).state()).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void sweepPassesByAJobThatSomebodyHolds() {
        queued.add();
        Claim held = claimed(RUN_OUT);

        transaction.executeWithoutResult(status -> {
            assertThat(queue.hold(held)).isTrue();
            CompletableFuture.runAsync(() -> queue.sweep(attempts(1))).join();
        });

        assertThat(job(held).state()).isEqualTo(JobState.RUNNING);
        queue.sweep(attempts(1));
        assertThat(job(held).state()).isEqualTo(JobState.FAILED);
    }

    private void passTheWait(Claim claim) {
        jdbc.sql("update job set not_before = timestamp 'epoch' where id = :id")
                .param("id", claim.id())
                .update();
    }

    private long waitsMinutes(Claim claim) {
        return jdbc.sql("select round(extract(epoch from not_before - clock_timestamp()) / 60) from job where id = :id")
                .param("id", claim.id())
                .query(Long.class)
                .single();
    }

    @Test
    void releasesAreNotCountedAsLostWorkers() {
        queued.add();
        for (int i = 0; i < 5; i++) {
            assertThat(queue.release(claimed(LEASE))).hasValue(JobState.QUEUED);
        }
        Claim claim = claimed(RUN_OUT);

        queue.sweep(attempts(2));

        assertThat(job(claim).state()).isEqualTo(JobState.RUNNING);
    }

    @Test
    void jobToBeCancelledEndsWhenItsWorkerWentSilent() {
        queued.add();
        Claim claim = claimed(RUN_OUT);
        queue.cancel(claim.id());

        assertThat(claim("other", LEASE)).isEmpty();
        queue.sweep(ATTEMPTS);

        assertThat(job(claim).state()).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void jobThatWaitsIsCancelledAtOnceAndNeverRuns() {
        UUID id = queued.add();

        queue.cancel(id);

        Job job = jobs.findById(id).orElseThrow();
        assertThat(job.state()).isEqualTo(JobState.CANCELLED);
        assertThat(job.finishedAt()).isPresent();
        assertThat(claim("other", LEASE)).isEmpty();
    }

    @Test
    void claimReadsTheQueueAndNotTheHistory() {
        transaction.executeWithoutResult(status -> {
            jdbc.sql("""
                            insert into job (id, state, attempt, model, output, request, body_sha256, needs_bytes,
                                             submitted_at, finished_at)
                            select gen_random_uuid(), 'SUCCEEDED', 1, 'm/m', 'o/' || n, '{}', '', 1,
                                   timestamp 'epoch' + n * interval '1 second', now()
                              from generate_series(1, 20000) n
                            """).update();
            IntStream.range(0, 20).forEach(i -> queued.add());
            jdbc.sql("analyze job").update();
            Map<String, Object> before = reads();

            assertThat(claim("reader", LEASE)).isPresent();

            assertThat(grown(before, "seq_scan")).isZero();
            assertThat(grown(before, "idx_scan")).isPositive();
            assertThat(grown(before, "idx_tup_fetch")).isLessThan(100);
            status.setRollbackOnly();
        });
    }

    /** What this transaction has read of the job table so far. */
    private Map<String, Object> reads() {
        return jdbc.sql("select seq_scan, idx_scan, idx_tup_fetch from pg_stat_xact_user_tables where relname = 'job'")
                .query()
                .singleRow();
    }

    private long grown(Map<String, Object> before, String counter) {
        return number(reads(), counter) - number(before, counter);
    }

    private static long number(Map<String, Object> row, String counter) {
        return row.get(counter) instanceof Number number ? number.longValue() : 0;
    }

    private static Attempts attempts(int most) {
        return new Attempts(most, Duration.ZERO);
    }

    private Optional<Claim> claim(String worker, Duration lease) {
        return queue.claim(new Claimant(worker, "cpu", Long.MAX_VALUE, lease), ATTEMPTS);
    }

    private Claim claimed(Duration lease) {
        return claim("worker", lease).orElseThrow();
    }

    private Claim running() {
        queued.add();
        return claimed(LEASE);
    }

    private Job job(Claim claim) {
        return jobs.findById(claim.id()).orElseThrow();
    }

    private void assertRefused(Claim claim) {
        List<Predicate<Claim>> writes = List.of(
                c -> queue.heartbeat(c, LEASE) != Pulse.LOST,
                c -> queue.progress(c, PipelineStage.PRUNING, 1, 2),
                queue::hold,
                queue::succeed,
                c -> queue.fail(c, ErrorCode.INTERNAL_ERROR, "late"),
                c -> queue.retry(c, ErrorCode.IO_ERROR, "late", ATTEMPTS).isPresent(),
                c -> queue.outgrow(c, 1).isPresent(),
                queue::markCancelled,
                c -> queue.release(c).isPresent());
        writes.forEach(
                write -> assertUnchanged(claim, c -> assertThat(write.test(c)).isFalse()));
    }

    private void assertUnchanged(Claim claim, Consumer<Claim> act) {
        String before = row(claim);
        act.accept(claim);
        assertThat(row(claim)).isEqualTo(before);
    }

    /** The job and its events, every column. */
    private String row(Claim claim) {
        return jdbc.sql("""
                        select job::text || (select coalesce(string_agg(e::text, '' order by e.id), '')
                                               from job_event e where e.job_id = job.id)
                          from job where id = :id
                        """).param("id", claim.id()).query(String.class).single();
    }

    private List<String> states(Claim claim) {
        return jdbc.sql("select data->>'state' from job_event where job_id = :id and kind = 'state' order by id")
                .param("id", claim.id())
                .query(String.class)
                .list();
    }
}
