package io.mosaic.server.report;

import org.springframework.data.jpa.repository.JpaRepository;

/** Measured numbers by job. */
public interface MetricRepository extends JpaRepository<Metric, Long> {}
