package io.mosaic.server.job;

import io.mosaic.server.PageView;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.error.Violation;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.request.JsonBody;
import io.mosaic.server.request.RequestFields;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.data.domain.PageRequest;
import org.springframework.data.domain.Pageable;
import org.springframework.data.domain.Sort;
import org.springframework.data.jpa.domain.Specification;
import org.springframework.data.web.PageableDefault;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

@ApiController
@RequestMapping("/jobs")
@Tag(name = "Jobs")
class JobController {
    private static final String IDEMPOTENCY_KEY = "Idempotency-Key";
    private static final int LONGEST_KEY = 255;
    private static final int LARGEST_PAGE = 200;
    private static final Pattern WHOLE = Pattern.compile("\\d{1,10}");
    private static final Set<String> SORTABLE =
            Set.of("submittedAt", "startedAt", "finishedAt", "state", "model", "output", "id");

    private final JobService service;
    private final JobRepository jobs;
    private final JsonBody json;
    private final JobEventStream events;

    JobController(JobService service, JobRepository jobs, JsonBody json, JobEventStream events) {
        this.service = service;
        this.jobs = jobs;
        this.json = json;
        this.events = events;
    }

    @Operation(
            summary = "Queues a pruning job",
            requestBody =
                    @io.swagger.v3.oas.annotations.parameters.RequestBody(
                            required = true,
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                                            schema = @Schema(implementation = JobRequest.class))))
    @ApiResponse(responseCode = "202", description = "Queued", useReturnTypeSchema = true)
    @ApiResponse(
            responseCode = "200",
            description = "The job that the Idempotency-Key made before",
            useReturnTypeSchema = true)
    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE, produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<JobView> submit(
            @Parameter(description = "The same key and body give the same job, whatever happens in between")
                    @RequestHeader(value = IDEMPOTENCY_KEY, required = false)
                    @Nullable
                    String key,
            @Parameter(hidden = true) @Nullable Principal submitter,
            HttpServletRequest request)
            throws IOException {
        if (key != null && (key.isBlank() || key.length() > LONGEST_KEY)) {
            throw new InvalidRequestException(List.of(
                    new Violation(IDEMPOTENCY_KEY, key.length() + " characters are not from 1 to " + LONGEST_KEY)));
        }
        JobService.Submission submission = service.submit(
                json.read(request.getInputStream()),
                Optional.ofNullable(key),
                Optional.ofNullable(submitter).map(Principal::getName));
        return ResponseEntity.status(submission.created() ? HttpStatus.ACCEPTED : HttpStatus.OK)
                .location(URI.create("/jobs/" + submission.job().id()))
                .body(JobView.of(submission.job()));
    }

    @Operation(summary = "Tells how a job stands; answers 304 to If-None-Match while nothing changes")
    @GetMapping("/{id}")
    ResponseEntity<JobView> job(@PathVariable UUID id) {
        Job job = service.require(id);
        return ResponseEntity.ok()
                .eTag(job.id() + "-" + job.version())
                .cacheControl(CacheControl.noCache())
                .body(JobView.of(job));
    }

    @Operation(summary = "Lists jobs, the newest first")
    @GetMapping
    PageView<JobView> jobs(
            @RequestParam(required = false) @Nullable JobState state,
            @RequestParam(required = false) @Nullable String model,
            @ParameterObject @PageableDefault(size = 20, sort = "submittedAt", direction = Sort.Direction.DESC)
                    Pageable page,
            @Parameter(hidden = true) @RequestParam(required = false) Map<String, String> asked) {
        // Spring silently takes the first page for values it cannot parse
        List<Violation> faults = Stream.concat(
                        whole(asked, "page", 0, Integer.MAX_VALUE).stream(),
                        whole(asked, "size", 1, LARGEST_PAGE).stream())
                .toList();
        if (!faults.isEmpty()) {
            throw new InvalidRequestException(faults);
        }
        for (Sort.Order order : page.getSort()) {
            if (!SORTABLE.contains(order.getProperty())) {
                throw new InvalidRequestException(List.of(new Violation(
                        "sort",
                        RequestFields.quoted(order.getProperty()) + " is not one of "
                                + SORTABLE.stream().sorted().toList())));
            }
        }
        if (model != null && ModelId.parse(model).isEmpty()) {
            throw new InvalidRequestException(
                    List.of(new Violation("model", RequestFields.quoted(model) + " is not " + ModelId.RULE)));
        }
        if (page.getOffset() > Integer.MAX_VALUE) {
            throw new InvalidRequestException(List.of(new Violation(
                    "page",
                    page.getPageNumber() + " pages of " + page.getPageSize() + " jobs are more than "
                            + Integer.MAX_VALUE + " jobs")));
        }
        Specification<Job> wanted = Specification.allOf(
                Optional.ofNullable(state)
                        .<Specification<Job>>map(s -> (job, query, builder) -> builder.equal(job.get("state"), s))
                        .orElse(Specification.unrestricted()),
                Optional.ofNullable(model)
                        .<Specification<Job>>map(m -> (job, query, builder) -> builder.equal(job.get("model"), m))
                        .orElse(Specification.unrestricted()));
        // the id makes the order total, so that pages neither repeat nor skip a job
        Pageable stable = PageRequest.of(
                page.getPageNumber(), page.getPageSize(), page.getSort().and(Sort.by("id")));
        return PageView.of(jobs.findAll(wanted, stable), JobView::of);
    }

    private static Optional<Violation> whole(Map<String, String> asked, String name, int least, int most) {
        String text = asked.get(name);
        if (text == null || (WHOLE.matcher(text).matches() && within(Long.parseLong(text), least, most))) {
            return Optional.empty();
        }
        return Optional.of(new Violation(
                name, RequestFields.quoted(text) + " is not a whole number from " + least + " to " + most));
    }

    private static boolean within(long value, int least, int most) {
        return value >= least && value <= most;
    }

    @Operation(summary = "Cancels a job: one that waits at once, one that runs between layers")
    @PostMapping("/{id}/cancel")
    @ResponseStatus(HttpStatus.ACCEPTED)
    JobView cancel(@PathVariable UUID id) {
        return JobView.of(service.cancel(id));
    }

    @Operation(summary = "Streams state and progress; goes on after Last-Event-ID and ends with the job")
    @GetMapping(path = "/{id}/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    ResponseEntity<SseEmitter> events(
            @PathVariable UUID id,
            @RequestHeader(value = "Last-Event-ID", required = false) @Nullable String lastEventId) {
        service.require(id);
        return events.open(id, JobEventStream.position(lastEventId))
                .map(stream -> ResponseEntity.ok()
                        .header(HttpHeaders.CACHE_CONTROL, "no-store")
                        .header("X-Accel-Buffering", "no")
                        .body(stream))
                .orElseGet(() -> ResponseEntity.noContent().build());
    }
}
