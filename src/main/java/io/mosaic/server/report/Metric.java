package io.mosaic.server.report;

import io.mosaic.engine.evaluation.Compared;
import io.mosaic.engine.pipeline.PruningReport;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.jspecify.annotations.Nullable;

/** One measured number of a job: of the dense model or of one that the job made of it. */
@Entity
@Immutable
@Table(name = "metric")
public class Metric {
    /** The model measured; the names are those in the database. */
    public enum Subject {
        dense,
        pruned
    }

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private @Nullable Long id;

    private UUID jobId;
    private String model;
    private String name;

    @Enumerated(EnumType.STRING)
    private Subject subject;

    private @Nullable String corpus;
    private @Nullable String protocol;
    private double value;
    private String unit;

    @SuppressWarnings("NullAway.Init") // JPA fills it
    protected Metric() {}

    private Metric(
            UUID jobId,
            String model,
            String name,
            Subject subject,
            @Nullable String corpus,
            @Nullable String protocol,
            double value,
            String unit) {
        this.jobId = jobId;
        this.model = model;
        this.name = name;
        this.subject = subject;
        this.corpus = corpus;
        this.protocol = protocol;
        this.value = value;
        this.unit = unit;
    }

    /** Every number of a report. */
    static List<Metric> of(UUID job, PruningReport report) {
        List<Metric> metrics = new ArrayList<>();
        report.perplexity().forEach(p -> {
            metrics.add(new Metric(
                    job,
                    report.model(),
                    "perplexity",
                    Subject.dense,
                    p.corpus(),
                    p.protocol(),
                    p.dense(),
                    "perplexity"));
            metrics.add(new Metric(
                    job,
                    report.model(),
                    "perplexity",
                    Subject.pruned,
                    p.corpus(),
                    p.protocol(),
                    p.pruned(),
                    "perplexity"));
        });
        report.latency().ifPresent(latency -> {
            compared(metrics, job, report.model(), "prefill", latency.prefillTokensPerSecond(), "tokens/second");
            compared(metrics, job, report.model(), "decode", latency.decodeTokensPerSecond(), "tokens/second");
            compared(metrics, job, report.model(), "time_to_first_token", latency.timeToFirstTokenSeconds(), "seconds");
        });
        bytes(metrics, job, report.model(), "weights", report.memory().weightBytes());
        report.memory().peakBytes().ifPresent(peak -> bytes(metrics, job, report.model(), "peak_memory", peak));
        metrics.add(new Metric(
                job,
                report.model(),
                "sparsity",
                Subject.pruned,
                null,
                null,
                report.sparsity().realised(),
                "share"));
        return metrics;
    }

    private static void compared(
            List<Metric> metrics, UUID job, String model, String name, Compared value, String unit) {
        metrics.add(new Metric(job, model, name, Subject.dense, null, null, value.dense(), unit));
        metrics.add(new Metric(job, model, name, Subject.pruned, null, null, value.pruned(), unit));
    }

    private static void bytes(
            List<Metric> metrics, UUID job, String model, String name, PruningReport.ComparedBytes value) {
        compared(metrics, job, model, name, new Compared(value.dense(), value.pruned()), "bytes");
    }
}
