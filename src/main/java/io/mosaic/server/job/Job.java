package io.mosaic.server.job;

import io.mosaic.engine.pipeline.PipelineStage;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.ColumnTransformer;
import org.hibernate.annotations.Immutable;
import org.jspecify.annotations.Nullable;

/** A row of the job table. JPA inserts and reads it; only {@link JobQueue} changes it, by compare-and-set. */
@Entity
@Immutable
@Table(name = "job")
public class Job {
    @Id
    private UUID id;

    @Enumerated(EnumType.STRING)
    private JobState state;

    private int attempt;
    private String model;
    private String output;

    // Hibernate's own JSON type casts to jsonb, which forgets the order of the keys
    @Column(columnDefinition = "json")
    @ColumnTransformer(write = "cast(? as json)")
    private String request;

    private @Nullable String callbackUrl;
    private @Nullable String idempotencyKey;
    private String bodySha256;
    private long needsBytes;
    private @Nullable String submittedBy;
    private @Nullable String traceparent;
    private @Nullable String worker;
    private @Nullable String device;

    @Enumerated(EnumType.STRING)
    private @Nullable PipelineStage stage;

    private int completed;
    private int total;
    private double fraction;
    private @Nullable Instant progressAt;
    private @Nullable Instant notBefore;
    private @Nullable String errorCode;
    private @Nullable String errorType;
    private @Nullable String errorDetail;
    private boolean cancelRequested;
    private Instant submittedAt;
    private @Nullable Instant startedAt;
    private @Nullable Instant finishedAt;
    private long version;

    @SuppressWarnings("NullAway.Init") // JPA fills it
    protected Job() {}

    /** A new job, in the queue. */
    Job(
            UUID id,
            JobRequest request,
            String json,
            @Nullable String idempotencyKey,
            String bodySha256,
            long needsBytes,
            @Nullable String submittedBy,
            @Nullable String traceparent,
            Instant now) {
        this.id = id;
        this.state = JobState.QUEUED;
        this.model = request.model();
        this.output = request.output();
        this.request = json;
        this.callbackUrl = request.callbackUrl().orElse(null);
        this.idempotencyKey = idempotencyKey;
        this.bodySha256 = bodySha256;
        this.needsBytes = needsBytes;
        this.submittedBy = submittedBy;
        this.traceparent = traceparent;
        this.submittedAt = now;
    }

    /** The stage of a running job. */
    public record Progress(PipelineStage stage, int completed, int total, double fraction, Instant at) {}

    /** Why a job failed. */
    public record Failure(String code, String type, String detail) {}

    public UUID id() {
        return id;
    }

    public JobState state() {
        return state;
    }

    public int attempt() {
        return attempt;
    }

    public String model() {
        return model;
    }

    public String output() {
        return output;
    }

    /** The resolved request as JSON. */
    public String request() {
        return request;
    }

    String bodySha256() {
        return bodySha256;
    }

    /** Name of the key, or subject of the token, that queued it. */
    public Optional<String> submittedBy() {
        return Optional.ofNullable(submittedBy);
    }

    /** When the next attempt may start, after one that failed for a transient reason. */
    public Optional<Instant> notBefore() {
        return state == JobState.QUEUED ? Optional.ofNullable(notBefore) : Optional.empty();
    }

    public Optional<String> worker() {
        return Optional.ofNullable(worker);
    }

    public Optional<String> device() {
        return Optional.ofNullable(device);
    }

    public Optional<Progress> progress() {
        return stage == null || progressAt == null
                ? Optional.empty()
                : Optional.of(new Progress(stage, completed, total, fraction, progressAt));
    }

    public Optional<Failure> failure() {
        return errorCode == null || errorType == null || errorDetail == null
                ? Optional.empty()
                : Optional.of(new Failure(errorCode, errorType, errorDetail));
    }

    boolean cancelRequested() {
        return cancelRequested;
    }

    public Instant submittedAt() {
        return submittedAt;
    }

    public Optional<Instant> startedAt() {
        return Optional.ofNullable(startedAt);
    }

    public Optional<Instant> finishedAt() {
        return Optional.ofNullable(finishedAt);
    }

    /** Changes with everything that a client sees. */
    long version() {
        return version;
    }
}
