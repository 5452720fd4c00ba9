package io.mosaic.server.worker;

import io.micrometer.observation.Observation;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.evaluation.DensePerplexity;
import io.mosaic.engine.pipeline.MeasurementStores;
import io.mosaic.engine.pipeline.PipelineStage;
import io.mosaic.engine.pipeline.ProgressListener;
import io.mosaic.engine.pipeline.PruningPipeline;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.pipeline.PruningTask;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.server.corpus.CorpusCatalog;
import io.mosaic.server.device.ComputeDevice;
import io.mosaic.server.device.DeviceInventory;
import io.mosaic.server.device.Fleet;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.job.JobRequest;
import io.mosaic.server.job.JobState;
import io.mosaic.server.job.JobTrace;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelFacts;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import io.mosaic.server.report.MeasurementAlias;
import io.mosaic.server.report.MeasurementTable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** Runs one claimed job on one device and records how it ended. */
@Component
class ExecuteJob {
    private static final Logger log = LoggerFactory.getLogger(ExecuteJob.class);

    private final JobQueue queue;
    private final ModelCatalog models;
    private final ModelStore store;
    private final CorpusCatalog corpora;
    private final MeasurementTable<OutlierRanking> rankings;
    private final MeasurementTable<SensitivityProfile> profiles;
    private final MeasurementTable<DensePerplexity> perplexities;
    private final Publication publication;
    private final ApplicationEventPublisher events;
    private final DeviceInventory devices;
    private final Fleet fleet;
    private final WorkerProperties properties;
    private final JobTrace trace;

    ExecuteJob(
            JobQueue queue,
            ModelCatalog models,
            ModelStore store,
            CorpusCatalog corpora,
            MeasurementTable<OutlierRanking> rankings,
            MeasurementTable<SensitivityProfile> profiles,
            MeasurementTable<DensePerplexity> perplexities,
            Publication publication,
            ApplicationEventPublisher events,
            DeviceInventory devices,
            Fleet fleet,
            WorkerProperties properties,
            JobTrace trace) {
        this.queue = queue;
        this.models = models;
        this.store = store;
        this.corpora = corpora;
        this.rankings = rankings;
        this.profiles = profiles;
        this.perplexities = perplexities;
        this.publication = publication;
        this.events = events;
        this.devices = devices;
        this.fleet = fleet;
        this.properties = properties;
        this.trace = trace;
    }

    void run(JobQueue.Claim claim, ComputeDevice device, Heartbeat heartbeat, CancellationToken token) {
        // in every log line of the run, including the engine's
        try (MDC.MDCCloseable job = MDC.putCloseable("job", claim.id().toString());
                MDC.MDCCloseable attempt = MDC.putCloseable("attempt", Integer.toString(claim.attempt()))) {
            trace.running(claim, () -> execute(claim, device, heartbeat, token));
        }
    }

    private void execute(JobQueue.Claim claim, ComputeDevice device, Heartbeat heartbeat, CancellationToken token) {
        List<String> staging = stagingNames(claim);
        log.info(
                "Job {} attempt {} starts on {}: {} to {}", // not the request, whose callbackUrl may hold a secret
                claim.id(),
                claim.attempt(),
                device.name(),
                claim.request().model(),
                String.join(", ", claim.request().outputs()));
        try (Progress progress = new Progress(claim)) {
            JobRequest request = claim.request();
            removeUnpublished(claim);
            List<Path> folders = staging.stream().map(store::stage).toList();
            ModelCatalog.Entry model = model(request.model());
            MeasurementAlias alias = MeasurementAlias.of(
                    request, model, corpus(request.calibration().corpus()));
            List<PruningReport> reports = new PruningPipeline(
                            device.device(),
                            new MeasurementStores(
                                    rankings.under(alias.ranking()), profiles.under(alias.profile()), perplexities),
                            devices.activationBytes())
                    .run(task(request, model, folders, earlier(claim)), progress, token);
            List<Publication.Staged> staged = IntStream.range(0, folders.size())
                    .mapToObj(i -> new Publication.Staged(
                            ModelId.parse(reports.get(i).model()).orElseThrow(), folders.get(i), reports.get(i)))
                    .toList();
            if (publication.publish(claim, staged, token)) {
                discardAll(claim);
                log.info("Job {} succeeded: {}", claim.id(), String.join(", ", request.outputs()));
                events.publishEvent(new JobSucceeded(claim.id(), reports));
            } else {
                heartbeat.stop(Heartbeat.StopReason.CANCELLED);
                stopped(claim, heartbeat);
            }
        } catch (CancellationException e) {
            stopped(claim, heartbeat);
        } catch (MosaicException e) {
            fail(claim, device, e.code(), e.detail(), e);
        } catch (DataAccessResourceFailureException | TransientDataAccessException | TransactionException e) {
            // the lease will run out and the job run again
            log.error("Job {} lost the database: {}", claim.id(), e.getMessage());
        } catch (RuntimeException | Error e) {
            fail(claim, device, ErrorCode.INTERNAL_ERROR, "Unexpected fault: " + e, e);
        }
    }

    /** Each attempt stages under names of its own, one per model, so that no two ever write the same file. */
    static List<String> stagingNames(JobQueue.Claim claim) {
        return stagingNames(claim.id(), claim.attempt(), claim.request());
    }

    private static List<String> stagingNames(UUID job, int attempt, JobRequest request) {
        return IntStream.range(0, request.outputs().size())
                .mapToObj(model -> job + "-" + attempt + "-" + model)
                .toList();
    }

    /** The folders of earlier attempts that were stopped or whose worker died; this attempt resumes the best. */
    private List<List<Path>> earlier(JobQueue.Claim claim) {
        Set<String> present = Set.copyOf(store.staged());
        return IntStream.range(1, claim.attempt())
                .mapToObj(attempt -> stagingNames(claim.id(), attempt, claim.request()))
                .filter(present::containsAll)
                .map(names -> names.stream().map(store::staged).toList())
                .toList();
    }

    /** Discards everything staged for a job that has ended: no attempt will resume it. */
    private void discardAll(JobQueue.Claim claim) {
        store.staged().stream()
                .filter(name -> name.startsWith(claim.id() + "-"))
                .forEach(store::discard);
    }

    /** Removes the remains of an attempt killed while publishing. */
    private void removeUnpublished(JobQueue.Claim claim) {
        claim.request()
                .outputs()
                .forEach(
                        output -> ModelId.parse(output).ifPresent(model -> store.removeUnpublished(model, claim.id())));
    }

    private void stopped(JobQueue.Claim claim, Heartbeat heartbeat) {
        boolean written = switch (heartbeat.reason()) {
            case NONE, CANCELLED -> queue.markCancelled(claim);
            case SHUTDOWN -> queue.release(claim).isPresent();
            case LEASE_LOST -> false;
        };
        switch (heartbeat.reason()) {
            case SHUTDOWN -> {} // another worker resumes from the staged folders
            case NONE, CANCELLED, LEASE_LOST -> {
                if (written) {
                    discardAll(claim);
                } else { // another attempt has already begun and has its own folders
                    stagingNames(claim).forEach(store::discard);
                }
            }
        }
        log.info(
                "Job {} attempt {} stopped: {}",
                claim.id(),
                claim.attempt(),
                written ? heartbeat.reason() : "fenced out");
    }

    private void fail(JobQueue.Claim claim, ComputeDevice device, ErrorCode code, String detail, Throwable cause) {
        trace.failed(cause);
        switch (code.type()) {
            case USER_ERROR, INSUFFICIENT_RESOURCES -> log.warn("Job {} failed: {} {}", claim.id(), code, detail);
            case INTERNAL_ERROR -> log.error("Job {} failed: {}", claim.id(), code, cause);
        }
        Optional<JobState> state = afterFailure(claim, device, code, detail);
        if (state.isEmpty()) {
            log.warn("Job {} attempt {} was fenced out", claim.id(), claim.attempt());
        } else if (state.get().terminal()) {
            discardAll(claim);
        } else {
            log.info("Job {} waits for another attempt", claim.id()); // which resumes from the staged folders
        }
    }

    /** @return the job's state now; empty when the lease was lost */
    private Optional<JobState> afterFailure(JobQueue.Claim claim, ComputeDevice device, ErrorCode code, String detail) {
        return switch (code.type()) {
            case USER_ERROR -> ended(queue.fail(claim, code, detail), JobState.FAILED);
            case INSUFFICIENT_RESOURCES, INTERNAL_ERROR -> {
                if (code != ErrorCode.OUT_OF_MEMORY) {
                    yield queue.retry(claim, code, detail, properties.attempts());
                }
                boolean fitsElsewhere = fleet.largestCapacity().orElse(0) > device.capacityBytes();
                yield fitsElsewhere
                        ? queue.outgrow(claim, device.capacityBytes())
                        : ended(queue.fail(claim, code, detail), JobState.FAILED);
            }
        };
    }

    private static Optional<JobState> ended(boolean held, JobState state) {
        return held ? Optional.of(state) : Optional.empty();
    }

    /** Logs, records and times a job's progress. */
    private final class Progress implements ProgressListener, AutoCloseable {
        private final JobQueue.Claim claim;
        private long since = System.nanoTime();
        private Observation span = Observation.NOOP;

        Progress(JobQueue.Claim claim) {
            this.claim = claim;
        }

        @Override
        public void progress(PipelineStage stage, int completed, int total) {
            if (completed == 0) {
                span.stop();
                span = trace.stage(stage.name());
                log.info("Job {} {}", claim.id(), stage);
            } else {
                log.info("Job {} {} {}/{}", claim.id(), stage, completed, total);
            }
            long now = System.nanoTime();
            if (stage == PipelineStage.PRUNING && completed > 0) {
                events.publishEvent(new LayerPruned(claim.id(), Duration.ofNanos(now - since)));
            }
            since = now;
            try {
                queue.progress(claim, stage, completed, total);
            } catch (DataAccessException | TransactionException e) {
                // a briefly unavailable database costs a progress record, not the job
                log.warn("Progress of job {} was not recorded: {}", claim.id(), e.getMessage());
            }
        }

        @Override
        public void close() {
            span.stop();
        }
    }

    private ModelCatalog.Entry model(String id) {
        ModelCatalog.Entry model = ModelId.parse(id)
                .flatMap(models::find)
                .orElseThrow(() ->
                        new MosaicException(ErrorCode.MODEL_NOT_FOUND, "Model " + id + " has gone from the store"));
        model.requireFacts(); // it may have been found corrupt while the job waited
        return model;
    }

    private PruningTask task(
            JobRequest request, ModelCatalog.Entry model, List<Path> folders, List<List<Path>> earlier) {
        ModelFacts facts = model.requireFacts();
        return new PruningTask(
                new PruningTask.Source(request.model(), model.folder()),
                request.dropLayers().orElse(0),
                IntStream.range(0, folders.size())
                        .mapToObj(i -> new PruningTask.Output(
                                request.recipes().get(i), request.outputs().get(i), folders.get(i)))
                        .toList(),
                new PruningTask.Calibration(
                        text(request.calibration().corpus()),
                        request.calibration().windows(facts.bos()),
                        request.calibration().seed(),
                        request.calibration().sampling()),
                request.precision(),
                new PruningTask.Evaluation(
                        request.evaluation().perplexity().stream()
                                .map(this::text)
                                .toList(),
                        request.evaluation().protocol(facts.architecture(), facts.bos()),
                        request.evaluation().latency()),
                earlier);
    }

    private PruningTask.Text text(String name) {
        return new PruningTask.Text(name, corpus(name).file());
    }

    private CorpusCatalog.Entry corpus(String name) {
        return corpora.find(name)
                .orElseThrow(() ->
                        new MosaicException(ErrorCode.CORPUS_NOT_FOUND, "Corpus " + name + " has gone from the store"));
    }
}
