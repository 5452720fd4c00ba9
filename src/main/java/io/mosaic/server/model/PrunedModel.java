package io.mosaic.server.model;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A model made by a job; a job that makes it again, after its folder was deleted, takes the row over. */
@Entity
@Table(name = "model")
public class PrunedModel {
    @Id
    private String id;

    private String baseModel;
    private UUID jobId;
    private Instant createdAt;
    private @Nullable String corrupt;
    private @Nullable String location;

    @SuppressWarnings("NullAway.Init") // JPA fills it
    protected PrunedModel() {}

    /** @param location in the object store, if it is there */
    public PrunedModel(ModelId id, String baseModel, UUID jobId, Instant createdAt, Optional<Location> location) {
        this.id = id.toString();
        this.baseModel = baseModel;
        this.jobId = jobId;
        this.createdAt = createdAt;
        this.location = location.map(Location::toString).orElse(null);
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

    /** The location in the object store, if the model is there. */
    public Optional<Location> location() {
        return Optional.ofNullable(location).flatMap(Location::parse);
    }

    /** What the last verification found wrong with its files. */
    public Optional<MosaicException> fault() {
        return Optional.ofNullable(corrupt)
                .map(changed -> new MosaicException(
                        ErrorCode.MODEL_CORRUPT, "Files of " + id + " are not those that were published: " + changed));
    }

    public Instant createdAt() {
        return createdAt;
    }
}
