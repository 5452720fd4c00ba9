package io.mosaic.server.worker;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.pipeline.PruningPipeline;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.artifact.Artifacts;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.model.Location;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import io.mosaic.server.model.Originals;
import io.mosaic.server.model.PrunedModel;
import io.mosaic.server.model.PrunedModelRepository;
import io.mosaic.server.report.Reports;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Makes finished models visible: each folder by one rename and all rows by one transaction, or none. Their files are
 * uploaded first if there is an object store.
 */
@Component
class Publication {
    private final JobQueue queue;
    private final ModelStore store;
    private final Artifacts artifacts;
    private final PrunedModelRepository models;
    private final Originals originals;
    private final Reports reports;
    private final TransactionTemplate transaction;

    Publication(
            JobQueue queue,
            ModelStore store,
            Artifacts artifacts,
            PrunedModelRepository models,
            Originals originals,
            Reports reports,
            PlatformTransactionManager transactions) {
        this.queue = queue;
        this.store = store;
        this.artifacts = artifacts;
        this.models = models;
        this.originals = originals;
        this.reports = reports;
        this.transaction = new TransactionTemplate(transactions);
    }

    /** A finished model, not yet visible. */
    record Staged(ModelId id, Path folder, PruningReport report) {}

    /**
     * @param token checked before each upload of a file
     * @return false, with nothing changed, when the worker no longer holds the job
     */
    boolean publish(JobQueue.Claim claim, List<Staged> staged, CancellationToken token) {
        // slow work comes before the transaction, which locks the job's row
        Map<Staged, List<Artifacts.Hashed>> files = new LinkedHashMap<>();
        for (Staged model : staged) {
            files.put(model, Artifacts.hash(model.folder(), store.files(model.folder())));
            store.sign(model.folder(), claim.id());
            original(claim, model).ifPresent(location -> store.note(model.folder(), location));
            store.seal(model.folder());
            originals.removeStaleCopy(model.id());
        }
        AtomicBoolean committing = new AtomicBoolean();
        try {
            files.forEach((model, hashed) -> original(claim, model)
                    .ifPresent(location -> hashed.forEach(file -> {
                        token.check();
                        originals.upload(location, model.folder(), file.file().path(), file.sha256());
                    })));
            token.check();
            boolean published = commit(claim, files, committing);
            if (!published) {
                takeBack(claim, staged);
            }
            return published;
        } catch (RuntimeException | Error e) {
            // a commit that seemed to fail may have succeeded; the janitor decides when the job has ended
            if (!committing.get()) {
                takeBack(claim, staged);
            }
            throw e;
        }
    }

    /** The model's location in the object store, if there is one. */
    private Optional<Location> original(JobQueue.Claim claim, Staged model) {
        return Optional.of(new Location(model.id(), claim.id(), claim.attempt()))
                .filter(location -> originals.kept());
    }

    private void takeBack(JobQueue.Claim claim, List<Staged> staged) {
        staged.forEach(model -> original(claim, model).ifPresent(originals::delete));
    }

    /** @param committing set when all but the commit itself is done */
    private boolean commit(JobQueue.Claim claim, Map<Staged, List<Artifacts.Hashed>> files, AtomicBoolean committing) {
        return Boolean.TRUE.equals(transaction.execute(status -> {
            if (!queue.hold(claim)) {
                return false;
            }
            Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
            files.forEach((model, hashed) -> {
                requireFree(model.id(), claim);
                artifacts.replace(model.id(), hashed);
                models.saveAndFlush(
                        new PrunedModel(model.id(), claim.request().model(), claim.id(), now, original(claim, model)));
            });
            reports.save(claim.id(), files.keySet().stream().map(Staged::report).toList());
            queue.succeed(claim);
            // up to here a failure costs no layer: the next attempt takes them over
            files.keySet().forEach(model -> PruningPipeline.forgetAttempt(model.folder()));
            // Last before the commit. A crash in between leaves folders without rows; the next attempt or the janitor
            // removes them.
            store.publish(
                    files.keySet().stream()
                            .collect(Collectors.toMap(
                                    Staged::id,
                                    Staged::folder,
                                    (one, other) -> {
                                        throw new IllegalStateException("Two results are one model");
                                    },
                                    LinkedHashMap::new)),
                    claim.attempt() > 1);
            committing.set(true);
            return true;
        }));
    }

    /** Checks the database for a model of the same name: a model in the object store need not have a folder here. */
    private void requireFree(ModelId id, JobQueue.Claim claim) {
        models.findById(id.toString())
                .filter(row -> row.location().isPresent() && !row.jobId().equals(claim.id()))
                .ifPresent(row -> {
                    throw new MosaicException(
                            ErrorCode.OUTPUT_TAKEN, "A model " + id + " appeared while this one was made");
                });
    }
}
