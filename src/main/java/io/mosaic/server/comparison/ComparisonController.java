package io.mosaic.server.comparison;

import io.mosaic.server.request.JsonBody;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URI;
import java.security.Principal;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;

@ApiController
@RequestMapping("/comparisons")
@Tag(name = "Comparisons")
class ComparisonController {
    private static final String MARKDOWN = "text/markdown;charset=UTF-8";

    private final Comparisons comparisons;
    private final JsonBody json;

    ComparisonController(Comparisons comparisons, JsonBody json) {
        this.comparisons = comparisons;
        this.json = json;
    }

    @Operation(
            summary = "Queues a job per recipe, and puts their results into one table",
            requestBody =
                    @io.swagger.v3.oas.annotations.parameters.RequestBody(
                            required = true,
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                                            schema = @Schema(implementation = ComparisonRequest.class))))
    @ApiResponse(responseCode = "202", description = "Queued", useReturnTypeSchema = true)
    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE, produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<ComparisonView> submit(
            @Parameter(hidden = true) @Nullable Principal submitter, HttpServletRequest request) throws IOException {
        UUID id = comparisons.submit(
                json.read(request.getInputStream()),
                Optional.ofNullable(submitter).map(Principal::getName));
        return ResponseEntity.accepted()
                .location(URI.create("/comparisons/" + id))
                .body(comparisons.require(id));
    }

    @Operation(summary = "The table, as far as it has come; as text with Accept: text/markdown")
    @GetMapping(path = "/{id}", produces = MediaType.APPLICATION_JSON_VALUE)
    ComparisonView comparison(@PathVariable UUID id) {
        return comparisons.require(id);
    }

    @GetMapping(path = "/{id}", produces = MARKDOWN)
    String markdown(@PathVariable UUID id) {
        return comparisons.require(id).markdown();
    }
}
