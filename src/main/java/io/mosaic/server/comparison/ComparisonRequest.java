package io.mosaic.server.comparison;

import io.mosaic.server.job.JobRequest;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Map;

/**
 * How OpenAPI describes a comparison: the fields of a job, and recipes that override them.
 *
 * @param recipes each holds some fields of a job, and optionally a name
 */
@Schema(allOf = JobRequest.class)
record ComparisonRequest(
        @Schema(
                description = "2 to 32 recipes: each overrides fields of the request, and may have a name",
                example =
                        "[{\"name\": \"ours\"}, {\"name\": \"wanda\", \"method\": \"wanda\", \"allocation\": \"uniform\"}]",
                requiredMode = Schema.RequiredMode.REQUIRED)
        List<Map<String, Object>> recipes) {}
