package io.mosaic.server.plan;

import io.mosaic.server.job.JobRequest;
import io.mosaic.server.request.JsonBody;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.List;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;

@ApiController
@Tag(name = "Plans")
class PlanController {
    private final Plans plans;
    private final JsonBody json;

    PlanController(Plans plans, JsonBody json) {
        this.plans = plans;
        this.json = json;
    }

    @Operation(
            summary = "Tells what a job would do, and runs nothing",
            requestBody =
                    @io.swagger.v3.oas.annotations.parameters.RequestBody(
                            required = true,
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                                            schema = @Schema(implementation = JobRequest.class))))
    @PostMapping(path = "/plans", consumes = MediaType.APPLICATION_JSON_VALUE)
    @ApiResponse(
            responseCode = "200",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(oneOf = {PlanView.class, PlansView.class})))
    Object plan(HttpServletRequest request) throws IOException {
        List<PlanView> views = plans.plan(json.read(request.getInputStream()));
        return views.size() == 1 ? views.getFirst() : new PlansView(views);
    }

    /** The plans for a list of sparsities. */
    record PlansView(List<PlanView> plans) {}
}
