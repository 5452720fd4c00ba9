package io.mosaic.server.observability;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.mosaic.engine.evaluation.Compared;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.device.DevicePool;
import io.mosaic.server.job.JobState;
import io.mosaic.server.worker.JobSucceeded;
import io.mosaic.server.worker.LayerPruned;
import io.mosaic.server.worker.Workers;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** The metrics for dashboards and alerts, all named {@code mosaic.*}. */
@Component
class JobMetrics {
    private final MeterRegistry registry;
    private final Counter removedBytes;
    private final Map<Last, AtomicReference<Double>> lastResults = new ConcurrentHashMap<>();

    JobMetrics(MeterRegistry registry, QueueStatistics statistics, DevicePool devices, Workers workers) {
        this.registry = registry;
        for (JobState state : JobState.values()) {
            Gauge.builder("mosaic.jobs", () -> statistics.current().jobs(state.name()))
                    .description("Jobs by state")
                    .tag("state", state.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
        Gauge.builder("mosaic.queue.depth", () -> statistics.current().jobs(JobState.QUEUED.name()))
                .description("Jobs that wait")
                .register(registry);
        Gauge.builder("mosaic.queue.age", () -> statistics.current().oldestSeconds())
                .description("How long the oldest job has waited")
                .baseUnit("seconds")
                .register(registry);
        Gauge.builder("mosaic.models.corrupt", () -> statistics.current().corruptModels())
                .description("Published models whose files were found to be others")
                .register(registry);
        Gauge.builder("mosaic.devices", devices, pool -> pool.all().size())
                .description("Devices of this process")
                .register(registry);
        Gauge.builder("mosaic.devices.free", devices, DevicePool::free)
                .description("Devices that no job holds")
                .register(registry);
        Gauge.builder("mosaic.workers.alive", workers, Workers::alive)
                .description("Worker threads that live")
                .register(registry);
        Gauge.builder("mosaic.workers.busy", workers, Workers::busy)
                .description("Worker threads that run a job")
                .register(registry);
        this.removedBytes = Counter.builder("mosaic.pruned")
                .description("Bytes that models became smaller by")
                .baseUnit("bytes")
                .register(registry);
    }

    @EventListener
    void pruned(LayerPruned layer) {
        Timer.builder("mosaic.layer")
                .description("Duration of pruning one layer, for all models of the job")
                .register(registry)
                .record(layer.duration());
    }

    /** A measured number of the last job that reported it. */
    private record Last(String name, String unit, Tags tags) {}

    @EventListener
    void succeeded(JobSucceeded success) {
        success.reports()
                .getFirst()
                .stages()
                .forEach(stage -> Timer.builder("mosaic.stage")
                        .description("Duration of the stages of jobs that succeeded")
                        .tag("stage", stage.stage().name().toLowerCase(Locale.ROOT))
                        .register(registry)
                        .record(Duration.ofMillis(Math.round(1000 * stage.seconds()))));
        success.reports().forEach(this::measured);
    }

    private void measured(PruningReport report) {
        PruningReport.ComparedBytes weights = report.memory().weightBytes();
        removedBytes.increment(Math.max(0, weights.dense() - weights.pruned()));
        report.perplexity()
                .forEach(p -> last(
                        "mosaic.last.perplexity",
                        "perplexity",
                        Tags.of("corpus", p.corpus()),
                        new Compared(p.dense(), p.pruned())));
        PruningReport.Speed speed = report.speed();
        last(new Last("mosaic.last.pruning", "flops", Tags.empty()), speed.flops());
        last(new Last("mosaic.last.product", "flops", Tags.empty()), speed.productFlops());
        speed.peakBytes().ifPresent(bytes -> last(new Last("mosaic.last.peak.memory", "bytes", Tags.empty()), bytes));
        report.latency().ifPresent(latency -> {
            last("mosaic.last.prefill", "tokens/second", Tags.empty(), latency.prefillTokensPerSecond());
            last("mosaic.last.decode", "tokens/second", Tags.empty(), latency.decodeTokensPerSecond());
            last("mosaic.last.first.token", "seconds", Tags.empty(), latency.timeToFirstTokenSeconds());
        });
    }

    private void last(String name, String unit, Tags tags, Compared value) {
        last(new Last(name, unit, tags.and("subject", "dense")), value.dense());
        last(new Last(name, unit, tags.and("subject", "pruned")), value.pruned());
    }

    private void last(Last key, double value) {
        lastResults
                .computeIfAbsent(key, created -> {
                    AtomicReference<Double> holder = new AtomicReference<>(value);
                    Gauge.builder(key.name(), holder, held -> Objects.requireNonNull(held.get()))
                            .description("As the last job of this process measured it")
                            .baseUnit(key.unit())
                            .tags(key.tags())
                            .register(registry);
                    return holder;
                })
                .set(value);
    }
}
