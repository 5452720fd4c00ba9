package io.mosaic.server.report;

import io.mosaic.engine.evaluation.Measurement;
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
        for (Measurement measured : report.measurements()) {
            metrics.add(of(job, report.model(), measured, Subject.dense, measured.dense()));
            metrics.add(of(job, report.model(), measured, Subject.pruned, measured.pruned()));
        }
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

    private static Metric of(UUID job, String model, Measurement measured, Subject subject, double value) {
        return new Metric(
                job,
                model,
                measured.name(),
                subject,
                measured.dataset().orElse(null),
                measured.protocol().orElse(null),
                value,
                measured.unit());
    }
}
