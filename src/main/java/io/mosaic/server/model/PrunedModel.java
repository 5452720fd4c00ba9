package io.mosaic.server.model;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A model that a job made; another job that makes it again, once its folder has gone, takes the row over. */
@Entity
@Table(name = "model")
public class PrunedModel {
    @Id
    private String id;

    private String baseModel;
    private UUID jobId;
    private Instant createdAt;
    private @Nullable String corrupt;

    @SuppressWarnings("NullAway.Init") // JPA fills it
    protected PrunedModel() {}

    public PrunedModel(ModelId id, String baseModel, UUID jobId, Instant createdAt) {
        this.id = id.toString();
        this.baseModel = baseModel;
        this.jobId = jobId;
        this.createdAt = createdAt;
    }

    public String id() {
        return id;
    }

    public String baseModel() {
        return baseModel;
    }

    public UUID jobId() {
        return jobId;
    }

    /** What the last verification found wrong with its files. */
    Optional<String> corrupt() {
        return Optional.ofNullable(corrupt);
    }

    public Instant createdAt() {
        return createdAt;
    }
}
