package io.mosaic.server.job;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.JpaSpecificationExecutor;

/** Jobs by id, key and state. */
public interface JobRepository extends JpaRepository<Job, UUID>, JpaSpecificationExecutor<Job> {
    Optional<Job> findByIdempotencyKey(String key);

    List<Job> findByModelAndStateIn(String model, Collection<JobState> states);
}
