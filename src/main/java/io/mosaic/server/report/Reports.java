package io.mosaic.server.report;

import io.mosaic.engine.pipeline.PruningReport;
import java.util.Optional;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** Reports of finished jobs: the document as the engine wrote it, and its numbers as rows. */
@Repository
public class Reports {
    private final JdbcClient jdbc;
    private final MetricRepository metrics;

    Reports(JdbcClient jdbc, MetricRepository metrics) {
        this.jdbc = jdbc;
        this.metrics = metrics;
    }

    @Transactional
    public void save(UUID job, PruningReport report) {
        jdbc.sql("insert into job_report (job_id, document) values (:job, cast(:document as json))")
                .param("job", job)
                .param("document", report.json())
                .update();
        metrics.saveAll(Metric.of(job, report));
    }

    /** The report's JSON. */
    public Optional<String> find(UUID job) {
        return jdbc.sql("select document from job_report where job_id = :job")
                .param("job", job)
                .query(String.class)
                .optional();
    }
}
