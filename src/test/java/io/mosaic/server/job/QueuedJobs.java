package io.mosaic.server.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.pipeline.ComputePrecision;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.fixture.TestHome;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;

/** Puts jobs into the queue without the HTTP interface in front of it. */
final class QueuedJobs {
    private static final JsonMapper JSON = JsonMapper.builder()
            .changeDefaultPropertyInclusion(inclusion -> inclusion.withValueInclusion(JsonInclude.Include.NON_ABSENT))
            .build();

    private final JobRepository jobs;

    QueuedJobs(JobRepository jobs) {
        this.jobs = jobs;
    }

    UUID add() {
        return add(Instant.now().truncatedTo(ChronoUnit.MICROS));
    }

    UUID add(Instant submittedAt) {
        return add(submittedAt, 1);
    }

    UUID add(Instant submittedAt, long needsBytes) {
        UUID id = UUID.randomUUID();
        JobRequest request = request(id);
        jobs.saveAndFlush(new Job(
                id, request, JSON.writeValueAsString(request), null, "sha256", needsBytes, null, null, submittedAt));
        return id;
    }

    /** Every job makes a model of its own. */
    static JobRequest request(UUID id) {
        return new JobRequest(
                TestHome.TINY,
                new JobRequest.Sparsity(List.of(0.5)),
                Category.UNSTRUCTURED,
                Optional.of(UnstructuredMethod.MAGNITUDE),
                Optional.empty(),
                Optional.of(0),
                AllocationMethod.UNIFORM,
                Optional.of(JobRequest.Pattern.of("unstructured")),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                5.0,
                0.08,
                Optional.empty(),
                Optional.of(Propagation.PRUNED),
                Optional.of(false),
                Optional.of(ComputePrecision.AUTO),
                new JobRequest.Calibration(TestHome.TEXT, 4, 32, 0, Sampling.RANDOM, Optional.empty()),
                new JobRequest.Evaluation(List.of(), false, Optional.empty(), Optional.empty(), Optional.empty()),
                "queue/" + id,
                Optional.empty());
    }
}
