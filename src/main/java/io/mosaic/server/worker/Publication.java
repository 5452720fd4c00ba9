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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** Makes finished models visible: each folder by one rename and all rows by one transaction, or none. */
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

    /** A finished model, not yet visible. */
    record Staged(ModelId id, Path folder, PruningReport report) {}

    /** @return false, with nothing changed, when the worker no longer holds the job */
    boolean publish(JobQueue.Claim claim, List<Staged> staged) {
        // what takes long comes before the transaction, which locks the job's row
        Map<Staged, List<Artifacts.Hashed>> files = new LinkedHashMap<>();
        for (Staged model : staged) {
            files.put(model, Artifacts.hash(model.folder(), store.files(model.folder())));
            store.sign(model.folder(), claim.id());
            store.seal(model.folder());
        }
        return Boolean.TRUE.equals(transaction.execute(status -> {
            if (!queue.hold(claim)) {
                return false;
            }
            Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
            files.forEach((model, hashed) -> {
                artifacts.replace(model.id(), hashed);
                models.saveAndFlush(new PrunedModel(model.id(), claim.request().model(), claim.id(), now));
            });
            reports.save(claim.id(), staged.stream().map(Staged::report).toList());
            queue.succeed(claim);
            // Last before the commit. A crash in between leaves folders without rows; the next attempt or the janitor
            // removes them.
            store.publish(
                    staged.stream()
                            .collect(Collectors.toMap(
                                    Staged::id,
                                    Staged::folder,
                                    (one, other) -> {
                                        throw new IllegalStateException("Two results are one model");
                                    },
                                    LinkedHashMap::new)),
                    claim.attempt() > 1);
            return true;
        }));
    }
}
