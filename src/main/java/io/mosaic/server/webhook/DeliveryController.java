package io.mosaic.server.webhook;

import io.mosaic.server.PageView;
import io.mosaic.server.job.JobService;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.UUID;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;

@ApiController
@Tag(name = "Jobs")
class DeliveryController {
    private final JobService jobs;
    private final Deliveries deliveries;

    DeliveryController(JobService jobs, Deliveries deliveries) {
        this.jobs = jobs;
        this.deliveries = deliveries;
    }

    @Operation(summary = "What a job has told its callbackUrl, and what came of it; empty before the job has ended")
    @GetMapping("/jobs/{id}/deliveries")
    PageView<DeliveryView> deliveries(@PathVariable UUID id) {
        jobs.require(id);
        return PageView.all(deliveries.of(id));
    }
}
