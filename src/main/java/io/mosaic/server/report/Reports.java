package io.mosaic.server.report;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.job.JobRequest;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelId;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.json.JsonMapper;

/** Reports of finished jobs: the document as the engine wrote it, and its numbers as rows. */
@Repository
public class Reports {
    private final JdbcClient jdbc;
    private final MetricRepository metrics;
    private final ModelCatalog models;
    private final JsonMapper json;

    Reports(JdbcClient jdbc, MetricRepository metrics, ModelCatalog models, JsonMapper json) {
        this.jdbc = jdbc;
        this.metrics = metrics;
        this.models = models;
        this.json = json;
    }

    /** @param reports one per model, in the order of the request */
    @Transactional
    public void save(UUID job, List<PruningReport> reports) {
        for (int i = 0; i < reports.size(); i++) {
            jdbc.sql("insert into job_report (job_id, position, document)"
                            + " values (:job, :position, cast(:document as json))")
                    .param("job", job)
                    .param("position", i)
                    .param("document", reports.get(i).json())
                    .update();
            metrics.saveAll(Metric.of(job, reports.get(i)));
        }
    }

    /** The JSON of each model's report, in the order of the request; none before the job has succeeded. */
    public List<String> find(UUID job) {
        return jdbc.sql("select document from job_report where job_id = :job order by position")
                .param("job", job)
                .query(String.class)
                .list();
    }

    /** A finished job with its model's architecture. */
    public record Finished(JobRequest request, Architecture architecture, PruningReport report) {}

    /** The last finished job with such a request whose model still exists. */
    public Optional<Finished> latest(Predicate<JobRequest> like) {
        return jdbc
                .sql("""
                        select j.request, r.document from job_report r join job j on j.id = r.job_id
                        where r.position = 0
                        order by j.finished_at desc limit 50
                        """)
                .query((row, index) -> new Document(row.getString("request"), row.getString("document")))
                .list()
                .stream()
                .flatMap(document -> {
                    JobRequest request = json.readValue(document.request(), JobRequest.class);
                    return Optional.of(request).filter(like).stream()
                            .flatMap(r -> ModelId.parse(r.model()).flatMap(models::here).stream())
                            .flatMap(entry -> entry.facts().stream())
                            .map(facts -> new Finished(
                                    request, facts.architecture(), PruningReport.parse(document.report())));
                })
                .findFirst();
    }

    private record Document(String request, String report) {}
}
