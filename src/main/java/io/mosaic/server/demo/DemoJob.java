package io.mosaic.server.demo;

import io.mosaic.engine.MosaicException;
import io.mosaic.engine.evaluation.Compared;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.MosaicHome;
import io.mosaic.server.database.EmbeddedDatabase;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.job.Job;
import io.mosaic.server.job.JobService;
import io.mosaic.server.job.JobState;
import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import io.mosaic.server.worker.JobSucceeded;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Prunes the demo model once, on the first start with the embedded database, and shows the result. */
@Component
class DemoJob {
    private static final Logger log = LoggerFactory.getLogger(DemoJob.class);

    /** Makes the job unique for the lifetime of the database. */
    private static final String KEY = "mosaic-demo";

    private static final String OUTPUT = "mosaic/demo-50";

    private static final int SAMPLES = 32;

    private final DemoProperties properties;
    private final Roles roles;
    private final DemoInstaller installer;
    private final JobService jobs;
    private final ObjectProvider<EmbeddedDatabase> database;
    private final MosaicHome home;
    private final Environment environment;

    DemoJob(
            DemoProperties properties,
            Roles roles,
            DemoInstaller installer,
            JobService jobs,
            ObjectProvider<EmbeddedDatabase> database,
            MosaicHome home,
            Environment environment) {
        this.properties = properties;
        this.roles = roles;
        this.installer = installer;
        this.jobs = jobs;
        this.database = database;
        this.home = home;
        this.environment = environment;
    }

    @EventListener(ApplicationReadyEvent.class)
    void start() {
        log.info("Mosaic listens on {}; its data is in {}", url(), home.home());
        if (!properties.enabled() || !roles.has(Role.API)) {
            return;
        }
        try {
            installer.install();
            if (database.getIfAvailable() != null) {
                submit();
            }
        } catch (InvalidRequestException | MosaicException | UncheckedIOException e) {
            // a home that has its own models or is read-only, or a machine too small: no reason not to serve
            log.warn("The demo job is left out: {}", e.getMessage());
        }
    }

    private void submit() {
        ObjectNode request = JsonMapper.shared()
                .createObjectNode()
                .put("model", DemoInstaller.MODEL.toString())
                .put("sparsity", 0.5)
                .put("output", OUTPUT);
        request.putObject("calibration").put("samples", SAMPLES); // all of the corpus takes four times as long
        JobService.Submission submission = jobs.submit(request, Optional.of(KEY), Optional.empty());
        Job job = submission.job();
        if (submission.created()) {
            log.info("First start: pruning the demo model, {}/jobs/{}", url(), job.id());
        } else if (job.state() == JobState.SUCCEEDED) {
            log.info("The demo job has run: curl -s {}/jobs/{}/report", url(), job.id());
        }
    }

    @EventListener
    void finished(JobSucceeded success) {
        success.reports().stream()
                .filter(report -> report.model().equals(OUTPUT))
                .forEach(report -> log.info("{}", summary(success.job(), report)));
    }

    private String summary(UUID job, PruningReport report) {
        StringBuilder table =
                new StringBuilder(String.format("%n%n  %-34s %12s %12s%n", report.model(), "dense", "pruned"));
        row(table, "removed share", "%.4f", new Compared(0, report.sparsity().realised()));
        report.perplexity()
                .forEach(p -> row(table, "perplexity on " + p.corpus(), "%.2f", new Compared(p.dense(), p.pruned())));
        row(
                table,
                "weights, MB",
                "%.2f",
                new Compared(
                        report.memory().weightBytes().dense() / 1e6,
                        report.memory().weightBytes().pruned() / 1e6));
        report.latency().ifPresent(latency -> {
            row(table, "prefill, tokens per second", "%.0f", latency.prefillTokensPerSecond());
            row(table, "decode, tokens per second", "%.0f", latency.decodeTokensPerSecond());
        });
        return table.append(String.format(
                        "%n  in        %s%n  report    curl -s %s/jobs/%s/report%n  download  curl -fsS %s/models/%s/archive -o %s.tar%n",
                        home.models().resolve(report.model()), url(), job, url(), report.model(), "demo-50"))
                .toString();
    }

    private static void row(StringBuilder table, String name, String format, Compared value) {
        table.append(String.format(
                Locale.ROOT,
                "  %-34s %12s %12s%n",
                name,
                String.format(Locale.ROOT, format, value.dense()),
                String.format(Locale.ROOT, format, value.pruned())));
    }

    private String url() {
        return "http://localhost:" + environment.getProperty("local.server.port", "8080");
    }
}
