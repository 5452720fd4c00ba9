package io.mosaic.server.worker;

import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.artifact.Artifacts;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import io.mosaic.server.model.PrunedModel;
import io.mosaic.server.model.PrunedModelRepository;
import io.mosaic.server.report.Reports;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Makes a finished model visible: its folder by one rename and its rows by one transaction, or neither. */
@Component
class Publication {
    private final JobQueue queue;
    private final ModelStore store;
    private final Artifacts artifacts;
    private final PrunedModelRepository models;
    private final Reports reports;
    private final TransactionTemplate transaction;

    Publication(
            JobQueue queue,
            ModelStore store,
            Artifacts artifacts,
            PrunedModelRepository models,
            Reports reports,
            PlatformTransactionManager transactions) {
        this.queue = queue;
        this.store = store;
        this.artifacts = artifacts;
        this.models = models;
        this.reports = reports;
        this.transaction = new TransactionTemplate(transactions);
    }

    /** @return false, with nothing changed, when the worker no longer holds the job */
    boolean publish(JobQueue.Claim claim, Path staged, PruningReport report) {
        ModelId id = ModelId.parse(claim.request().output()).orElseThrow();
        // what takes long comes before the transaction, which locks the job's row
        List<Artifacts.Hashed> files = Artifacts.hash(staged, store.files(staged));
        store.seal(staged);
        return Boolean.TRUE.equals(transaction.execute(status -> {
            if (!queue.hold(claim)) {
                return false;
            }
            artifacts.replace(id, files);
            models.saveAndFlush(new PrunedModel(
                    id, claim.request().model(), claim.id(), Instant.now().truncatedTo(ChronoUnit.MICROS)));
            reports.save(claim.id(), report);
            queue.succeed(claim);
            // Last before the commit. A crash in between leaves a folder without rows; the next attempt replaces it.
            store.publish(staged, id, claim.attempt() > 1);
            return true;
        }));
    }
}
