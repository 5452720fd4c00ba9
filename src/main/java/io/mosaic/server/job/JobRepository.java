package io.mosaic.server.job;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.JpaSpecificationExecutor;
import org.springframework.data.jpa.repository.Query;

/** Jobs by id, key and state. */
public interface JobRepository extends JpaRepository<Job, UUID>, JpaSpecificationExecutor<Job> {
    /** @param submitter null for a job submitted without authentication */
    @Query("from Job where idempotencyKey = :key and submittedBy is not distinct from :submitter")
    Optional<Job> findByIdempotencyKey(String key, @Nullable String submitter);

    List<Job> findByModelAndStateIn(String model, Collection<JobState> states);
}
