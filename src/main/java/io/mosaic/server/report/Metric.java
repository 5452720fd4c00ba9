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
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.Immutable;
import org.jspecify.annotations.Nullable;

/** One measured number of a job: of the dense or of the pruned model. */
@Entity
@Immutable
@Table(name = "metric")
public class Metric {
    /** Whose number it is; the names are the database's. */
    public enum Subject {
        dense,
        pruned
    }

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private @Nullable Long id;

    private UUID jobId;
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
            String name,
            Subject subject,
            @Nullable String corpus,
            @Nullable String protocol,
            double value,
            String unit) {
        this.jobId = jobId;
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
            metrics.add(
                    new Metric(job, "perplexity", Subject.dense, p.corpus(), p.protocol(), p.dense(), "perplexity"));
            metrics.add(
                    new Metric(job, "perplexity", Subject.pruned, p.corpus(), p.protocol(), p.pruned(), "perplexity"));
        });
        report.latency().ifPresent(latency -> {
            compared(metrics, job, "prefill", latency.prefillTokensPerSecond(), "tokens/second");
            compared(metrics, job, "decode", latency.decodeTokensPerSecond(), "tokens/second");
            compared(metrics, job, "time_to_first_token", latency.timeToFirstTokenSeconds(), "seconds");
        });
        bytes(metrics, job, "weights", report.memory().weightBytes());
        report.memory().peakBytes().ifPresent(peak -> bytes(metrics, job, "peak_memory", peak));
        metrics.add(new Metric(
                job, "sparsity", Subject.pruned, null, null, report.sparsity().realised(), "share"));
        return metrics;
    }

    private static void compared(List<Metric> metrics, UUID job, String name, Compared value, String unit) {
        metrics.add(new Metric(job, name, Subject.dense, null, null, value.dense(), unit));
        metrics.add(new Metric(job, name, Subject.pruned, null, null, value.pruned(), unit));
    }

    private static void bytes(List<Metric> metrics, UUID job, String name, PruningReport.ComparedBytes value) {
        compared(metrics, job, name, new Compared(value.dense(), value.pruned()), "bytes");
    }

    public String name() {
        return name;
    }

    public Subject subject() {
        return subject;
    }

    public Optional<String> corpus() {
        return Optional.ofNullable(corpus);
    }

    public double value() {
        return value;
    }

    public String unit() {
        return unit;
    }
}
