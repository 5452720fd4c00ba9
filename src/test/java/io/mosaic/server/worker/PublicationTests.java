package io.mosaic.server.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Requests;
import io.mosaic.server.MosaicHome;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.node.JsonNodeFactory;

/** A result appears whole, or not at all. */
@IdleServerTest
class PublicationTests {
    private static final PruningReport REPORT = AnyReport.of("publication/any");

    private final Publication publication;
    private final JobQueue queue;
    private final ModelStore store;
    private final MosaicHome home;
    private final JdbcClient jdbc;
    private final StagingJanitor janitor;
    private static final JobQueue.Attempts ATTEMPTS = new JobQueue.Attempts(3, Duration.ZERO);

    private final Api api;

    PublicationTests(
            Publication publication,
            JobQueue queue,
            ModelStore store,
            MosaicHome home,
            JdbcClient jdbc,
            StagingJanitor janitor,
            Api api) {
        this.publication = publication;
        this.queue = queue;
        this.store = store;
        this.home = home;
        this.jdbc = jdbc;
        this.janitor = janitor;
        this.api = api;
    }

    @BeforeEach
    void emptyQueue() {
        jdbc.sql("update job set state = 'CANCELLED', finished_at = now() where state in ('QUEUED', 'RUNNING')")
                .update();
    }

    @Test
    void resultOfALostLeaseIsNeverPublished() throws IOException {
        JobQueue.Claim lost = claim("publication/lost", Duration.ofSeconds(-1));
        JobQueue.Claim holder = claimNext(Duration.ofMinutes(5));

        assertThat(publication.publish(lost, staged(lost), new CancellationToken()))
                .isFalse();

        assertUnpublished(lost);
        assertThat(publication.publish(holder, staged(holder), new CancellationToken()))
                .isTrue();
        assertThat(api.get("/models/publication/lost").statusCode()).isEqualTo(200);
        assertThat(Api.state(api.job(holder.id().toString()))).isEqualTo("SUCCEEDED");
    }

    @Test
    void resultOfAJobToBeCancelledIsNotPublished() throws IOException {
        JobQueue.Claim claim = claim("publication/cancelled", Duration.ofMinutes(5));
        queue.cancel(claim.id());

        assertThat(publication.publish(claim, staged(claim), new CancellationToken()))
                .isFalse();

        assertUnpublished(claim);
    }

    @Test
    void publicationThatIsStoppedLeavesWhatTheNextAttemptGoesOnFrom() throws IOException {
        JobQueue.Claim claim = claim("publication/stopped", Duration.ofMinutes(5));
        List<Publication.Staged> staged = staged(claim);
        Path journal = Files.writeString(staged.getFirst().folder().resolve(".journal"), "layers");
        CancellationToken stopped = new CancellationToken();
        stopped.cancel();

        assertThatThrownBy(() -> publication.publish(claim, staged, stopped)).isInstanceOf(CancellationException.class);

        assertThat(journal).exists();
        assertThat(home.models().resolve("publication/stopped")).doesNotExist();
        assertThat(publication.publish(claim, staged, new CancellationToken())).isTrue();
        assertThat(home.models().resolve("publication/stopped")).isDirectoryNotContaining("glob:**/.journal");
    }

    @Test
    void resultThatCannotBeMovedLeavesNoRow() throws IOException {
        JobQueue.Claim claim = claim("publication/taken", Duration.ofMinutes(5));
        Path appeared = Files.createDirectories(home.models().resolve("publication/taken"));

        assertThatThrownBy(() -> publication.publish(claim, staged(claim), new CancellationToken()))
                .hasMessageContaining("publication/taken appeared");

        assertThat(appeared).isEmptyDirectory();
        Files.delete(appeared);
        assertUnpublished(claim);
    }

    @Test
    void modelsOfOneJobAppearTogetherOrNotAtAll() throws IOException {
        api.submit(Requests.tiny("publication/several")
                .set("sparsity", JsonNodeFactory.instance.arrayNode().add(0.3).add(0.5)));
        JobQueue.Claim claim = claimNext(Duration.ofMinutes(5));
        Path appeared = Files.createDirectories(home.models().resolve("publication/several-50"));

        assertThatThrownBy(() -> publication.publish(claim, staged(claim), new CancellationToken()))
                .hasMessageContaining("publication/several-50 appeared");

        Files.delete(appeared);
        assertUnpublished(claim);
        assertThat(publication.publish(claim, staged(claim), new CancellationToken()))
                .isTrue();
        assertThat(api.get("/models/publication/several-30").statusCode()).isEqualTo(200);
        assertThat(api.get("/models/publication/several-50").statusCode()).isEqualTo(200);
    }

    @Test
    void modelsOfAJobThatWasKilledInBetweenAndNeverSucceededGo() throws IOException {
        api.submit(Requests.tiny("publication/torn")
                .set("sparsity", JsonNodeFactory.instance.arrayNode().add(0.3).add(0.5)));
        JobQueue.Claim killed = claimNext(Duration.ofSeconds(-1));
        Publication.Staged moved = staged(killed).getFirst();
        store.sign(moved.folder(), killed.id());
        store.publish(moved.folder(), moved.id(), false); // and nothing after it
        Path foreign = Files.createDirectories(home.models().resolve("publication/torn-50"));
        queue.cancel(killed.id());
        queue.sweep(ATTEMPTS);

        janitor.clean();

        assertThat(home.models().resolve("publication/torn-30")).doesNotExist();
        assertThat(foreign).isDirectory();
        Files.delete(foreign);
    }

    @Test
    void janitorRemovesOnlyWhatNoUnfinishedJobNeeds() throws IOException {
        JobQueue.Claim lost = claim("publication/janitor", Duration.ofSeconds(-1));
        JobQueue.Claim holder = claimNext(Duration.ofMinutes(5));
        Path earlier = staged(lost).getFirst().folder();
        Path current = staged(holder).getFirst().folder();

        janitor.clean();

        assertThat(earlier).as("what the current attempt may go on from").isNotEmptyDirectory();
        assertThat(current).isNotEmptyDirectory();

        assertThat(queue.markCancelled(holder)).isTrue();
        janitor.clean();

        assertThat(earlier).doesNotExist();
        assertThat(current).doesNotExist();
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
        List<String> names = ExecuteJob.stagingNames(claim);
        List<Publication.Staged> staged = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            Path folder = store.stage(names.get(i));
            Files.writeString(folder.resolve("config.json"), "{}");
            ModelId id = ModelId.parse(claim.request().outputs().get(i)).orElseThrow();
            staged.add(new Publication.Staged(id, folder, REPORT));
        }
        return staged;
    }

    private void assertUnpublished(JobQueue.Claim claim) {
        for (String output : claim.request().outputs()) {
            assertThat(home.models().resolve(output)).doesNotExist();
            assertThat(rows("model", "id", output)).isZero();
            assertThat(rows("artifact", "model", output)).isZero();
        }
        assertThat(rows("job_report", "job_id::text", claim.id().toString())).isZero();
        assertThat(rows("metric", "job_id::text", claim.id().toString())).isZero();
        assertThat(Api.state(api.job(claim.id().toString()))).isEqualTo("RUNNING");
        ExecuteJob.stagingNames(claim).forEach(store::discard);
    }

    private long rows(String table, String column, String value) {
        return jdbc.sql("select count(*) from " + table + " where " + column + " = :value")
                .param("value", value)
                .query(Long.class)
                .single();
    }
}
