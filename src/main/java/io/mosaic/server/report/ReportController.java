package io.mosaic.server.report;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.job.Job;
import io.mosaic.server.job.JobService;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import java.util.UUID;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;

@ApiController
@Tag(name = "Jobs")
class ReportController {
    /** The reports of a job that made several models. */
    record ReportsView(List<PruningReport> reports) {}

    private final JobService jobs;
    private final Reports reports;

    ReportController(JobService jobs, Reports reports) {
        this.jobs = jobs;
        this.reports = reports;
    }

    @Operation(summary = "What a job did and measured; of a list of sparsities one report each")
    @ApiResponse(
            responseCode = "200",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(oneOf = {PruningReport.class, ReportsView.class})))
    @GetMapping("/jobs/{id}/report")
    ResponseEntity<String> report(@PathVariable UUID id) {
        Job job = jobs.require(id);
        List<String> documents = reports.find(id);
        if (documents.isEmpty()) {
            throw new MosaicException(
                    ErrorCode.JOB_NOT_FINISHED,
                    "Job " + id + " is " + job.state() + "; a report exists once it has SUCCEEDED");
        }
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .body(
                        documents.size() == 1
                                ? documents.getFirst()
                                : "{\"reports\":[" + String.join(",", documents) + "]}");
    }
}
