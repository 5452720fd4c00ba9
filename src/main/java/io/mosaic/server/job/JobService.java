package io.mosaic.server.job;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.pipeline.Forecast;
import io.mosaic.server.device.DeviceInventory;
import io.mosaic.server.device.Fleet;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.error.Violation;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelReaders;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.stereotype.Service;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Accepts jobs, looks them up and cancels them. */
@Service
public class JobService implements ModelReaders {
    private final JobRequestReader reader;
    private final JobRepository jobs;
    private final JobQueue queue;
    private final DeviceInventory devices;
    private final Fleet fleet;
    private final QueueProperties properties;
    private final JobTrace trace;
    private final TransactionTemplate transaction;
    private final JsonMapper json;
    private final JsonMapper canonical;

    JobService(
            JobRequestReader reader,
            JobRepository jobs,
            JobQueue queue,
            DeviceInventory devices,
            Fleet fleet,
            QueueProperties properties,
            JobTrace trace,
            PlatformTransactionManager transactions,
            JsonMapper json) {
        this.reader = reader;
        this.jobs = jobs;
        this.queue = queue;
        this.devices = devices;
        this.fleet = fleet;
        this.properties = properties;
        this.trace = trace;
        this.transaction = new TransactionTemplate(transactions);
        this.json = json;
        this.canonical = json.rebuild()
                .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                .build();
    }

    /** @param created false when an earlier request with the same idempotency key made the job */
    public record Submission(Job job, boolean created) {}

    /**
     * Queues a job.
     *
     * @param submitter name of the key or subject of the token; empty without authentication
     * @throws InvalidRequestException with every fault of the body
     * @throws MosaicException IDEMPOTENCY_KEY_REUSED, OUTPUT_TAKEN, OUT_OF_MEMORY, QUOTA_EXCEEDED
     */
    public Submission submit(ObjectNode body, Optional<String> idempotencyKey, Optional<String> submitter) {
        String sha256 = sha256(body);
        return earlier(idempotencyKey, submitter, sha256)
                .orElseGet(() -> submit(body, idempotencyKey, submitter, sha256));
    }

    private Submission submit(
            ObjectNode body, Optional<String> idempotencyKey, Optional<String> submitter, String sha256) {
        UUID id = UUID.randomUUID();
        JobRequestReader.Resolved resolved;
        try {
            resolved = reader.read(body, id, JobRequestReader.Outputs.NEW);
        } catch (InvalidRequestException e) {
            // the output may be taken by the same request, sent twice at once
            return earlier(idempotencyKey, submitter, sha256).orElseThrow(() -> e);
        }
        try {
            return trace.submitting(link -> {
                Job job = job(id, resolved, new Origin(idempotencyKey, submitter, link), sha256);
                transaction.executeWithoutResult(status -> {
                    requireRoom(submitter, 1);
                    enter(job, resolved.request());
                });
                return new Submission(job, true);
            });
        } catch (MosaicException e) {
            // the last place may have gone to the same request, sent twice at once
            return earlier(idempotencyKey, submitter, sha256).orElseThrow(() -> e);
        } catch (DataIntegrityViolationException | PessimisticLockingFailureException e) {
            // another request was faster, with the same key or the same output
            return earlier(idempotencyKey, submitter, sha256)
                    .orElseThrow(() -> new MosaicException(
                            ErrorCode.OUTPUT_TAKEN,
                            "An unfinished job is making "
                                    + String.join(" or ", resolved.request().outputs()),
                            e));
        }
    }

    /** Where a job comes from. */
    private record Origin(Optional<String> idempotencyKey, Optional<String> submitter, Optional<String> traceparent) {}

    private void requireRoom(Optional<String> submitter, int wanted) {
        submitter.ifPresent(name -> {
            int unfinished = queue.unfinished(name);
            if (unfinished + wanted > properties.perSubmitter()) {
                throw new MosaicException(
                        ErrorCode.QUOTA_EXCEEDED,
                        name + " has " + unfinished + " unfinished jobs, " + wanted
                                + " more than those exceed the limit of " + properties.perSubmitter());
            }
        });
    }

    private void enter(Job job, JobRequest request) {
        jobs.saveAndFlush(job);
        queue.enter(job.id(), request.outputs());
    }

    private Job job(UUID id, JobRequestReader.Resolved resolved, Origin origin, String sha256) {
        long needs = needs(resolved);
        fleet.largestCapacity().ifPresent(most -> {
            if (needs > most) {
                throw new MosaicException(
                        ErrorCode.OUT_OF_MEMORY,
                        "The job needs " + needs + " bytes of memory, the largest device of all workers offers "
                                + most);
            }
        });
        JobRequest request = resolved.request();
        return new Job(
                id,
                request,
                json.writeValueAsString(request),
                origin.idempotencyKey().orElse(null),
                sha256,
                needs,
                origin.submitter().orElse(null),
                origin.traceparent().orElse(null),
                Instant.now().truncatedTo(ChronoUnit.MICROS));
    }

    private long needs(JobRequestReader.Resolved resolved) {
        JobRequest request = resolved.request();
        JobRequest.Evaluation evaluation = request.evaluation();
        return request.forecast(resolved.architecture())
                .bytes(
                        new Forecast.Measuring(
                                evaluation.sequenceLength().orElse(0),
                                resolved.longestText(),
                                evaluation.latency(),
                                request.precision()),
                        devices.activationBytes());
    }

    /**
     * A request that was checked and not queued.
     *
     * @param needsBytes memory that it would need on its device
     * @param measuredTokens tokens on which perplexity would be measured, for one model
     */
    public record Checked(JobRequest request, ModelCatalog.Entry model, long needsBytes, long measuredTokens) {}

    /**
     * Checks a request as if it were submitted; its models may exist already.
     *
     * @throws InvalidRequestException with every fault of the body
     */
    public Checked check(ObjectNode body) {
        JobRequestReader.Resolved resolved = reader.read(body, UUID.randomUUID(), JobRequestReader.Outputs.ANY);
        return new Checked(resolved.request(), resolved.model(), needs(resolved), resolved.measuredTokens());
    }

    /**
     * Queues several jobs, all or none.
     *
     * @param submitter name of the key or subject of the token; empty without authentication
     * @param faults already found by the caller, to be reported with the others
     * @param also run in the same transaction, with the jobs' ids in the order of the bodies
     * @param path of the field that held the body with the given index, for faults
     * @throws InvalidRequestException with every fault of every body
     */
    public List<UUID> submitAll(
            List<ObjectNode> bodies,
            Optional<String> submitter,
            IntFunction<String> path,
            List<Violation> faults,
            Consumer<List<UUID>> also) {
        return trace.submitting(link -> submitAll(bodies, submitter, link, path, faults, also));
    }

    private List<UUID> submitAll(
            List<ObjectNode> bodies,
            Optional<String> submitter,
            Optional<String> link,
            IntFunction<String> path,
            List<Violation> faults,
            Consumer<List<UUID>> also) {
        List<Violation> violations = new ArrayList<>(faults);
        Map<Job, JobRequest> all = new LinkedHashMap<>();
        Set<String> outputs = new HashSet<>();
        for (int i = 0; i < bodies.size(); i++) {
            try {
                UUID id = UUID.randomUUID();
                JobRequestReader.Resolved resolved = reader.read(bodies.get(i), id, JobRequestReader.Outputs.NEW);
                Origin origin = new Origin(Optional.empty(), submitter, link);
                all.put(job(id, resolved, origin, sha256(bodies.get(i))), resolved.request());
                for (String output : resolved.request().outputs()) {
                    if (!outputs.add(output)) {
                        violations.add(new Violation(
                                path.apply(i) + ".output",
                                ErrorCode.OUTPUT_TAKEN,
                                "an earlier recipe makes " + output + " too"));
                    }
                }
            } catch (InvalidRequestException e) {
                for (Violation fault : e.violations()) {
                    violations.add(new Violation(path.apply(i) + "." + fault.field(), fault.code(), fault.message()));
                }
            }
        }
        if (!violations.isEmpty()) {
            throw new InvalidRequestException(violations);
        }
        List<UUID> ids = all.keySet().stream().map(Job::id).toList();
        try {
            transaction.executeWithoutResult(status -> {
                requireRoom(submitter, all.size());
                all.forEach(this::enter);
                also.accept(ids);
            });
        } catch (DataIntegrityViolationException | PessimisticLockingFailureException e) {
            throw new MosaicException(ErrorCode.OUTPUT_TAKEN, "An unfinished job is making one of the outputs", e);
        }
        return ids;
    }

    private String sha256(ObjectNode body) {
        return Hashes.text(canonical.writeValueAsString(canonical.convertValue(body, Object.class)));
    }

    /** The job that this submitter's key made before; other submitters may use the same key. */
    private Optional<Submission> earlier(Optional<String> idempotencyKey, Optional<String> submitter, String sha256) {
        return idempotencyKey
                .flatMap(key -> jobs.findByIdempotencyKey(key, submitter.orElse(null)))
                .map(job -> {
                    if (!job.bodySha256().equals(sha256)) {
                        throw new MosaicException(
                                ErrorCode.IDEMPOTENCY_KEY_REUSED,
                                "Idempotency-Key " + idempotencyKey.orElseThrow()
                                        + " was used for another request, job " + job.id());
                    }
                    return new Submission(job, false);
                });
    }

    /** @throws MosaicException JOB_NOT_FOUND */
    public Job require(UUID id) {
        return jobs.findById(id).orElseThrow(() -> new MosaicException(ErrorCode.JOB_NOT_FOUND, "No job " + id));
    }

    /** @throws MosaicException JOB_NOT_FOUND, JOB_FINISHED when it ended otherwise than by cancellation */
    public Job cancel(UUID id) {
        require(id);
        queue.cancel(id);
        Job job = require(id);
        if (job.state().terminal() && job.state() != JobState.CANCELLED) {
            throw new MosaicException(ErrorCode.JOB_FINISHED, "Job " + id + " has ended, " + job.state());
        }
        return job;
    }

    @Override
    public List<UUID> readersOf(ModelId id) {
        return jobs.findByModelAndStateIn(id.toString(), JobState.UNFINISHED).stream()
                .map(Job::id)
                .toList();
    }
}
