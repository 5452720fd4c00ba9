package io.mosaic.server.report;

import java.util.List;
import java.util.UUID;
import org.springframework.data.jpa.repository.JpaRepository;

/** Measured numbers by job. */
public interface MetricRepository extends JpaRepository<Metric, Long> {
    List<Metric> findByJobId(UUID jobId);
}
