package io.mosaic.server.comparison;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.error.Violation;
import io.mosaic.server.job.Job;
import io.mosaic.server.job.JobRequest;
import io.mosaic.server.job.JobService;
import io.mosaic.server.report.Reports;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Queues several recipes on one model and puts their results into one table. */
@Service
class Comparisons {
    private static final String RECIPES = "recipes";
    private static final String NAME = "name";
    private static final int FEWEST = 2;
    private static final int MOST = 32;
    private static final int LONGEST_NAME = 100;

    private final JobService jobs;
    private final Reports reports;
    private final JdbcClient jdbc;
    private final JsonMapper json;

    Comparisons(JobService jobs, Reports reports, JdbcClient jdbc, JsonMapper json) {
        this.jobs = jobs;
        this.reports = reports;
        this.jdbc = jdbc;
        this.json = json;
    }

    /**
     * Queues a job per recipe, all or none.
     *
     * @throws InvalidRequestException with every fault
     */
    UUID submit(ObjectNode body, Optional<String> submitter) {
        ArrayNode recipes = recipes(body);
        List<String> names = new ArrayList<>();
        List<ObjectNode> requests = new ArrayList<>();
        List<Violation> violations = new ArrayList<>();
        for (int i = 0; i < recipes.size(); i++) {
            String path = path(i);
            ObjectNode recipe;
            if (recipes.get(i) instanceof ObjectNode object) {
                recipe = object;
            } else {
                violations.add(new Violation(path, "is not an object"));
                recipe = JsonNodeFactory.instance.objectNode();
            }
            ObjectNode request = body.deepCopy();
            request.remove(RECIPES);
            request.setAll(recipe.deepCopy());
            Optional<JsonNode> name = Optional.ofNullable(request.remove(NAME));
            if (name.filter(n -> !n.isString()
                            || n.stringValue().isBlank()
                            || n.stringValue().length() > LONGEST_NAME
                            || n.stringValue().chars().anyMatch(c -> c == '|' || Character.isISOControl(c)))
                    .isPresent()) {
                violations.add(new Violation(
                        path + "." + NAME, "is not a text of 1 to " + LONGEST_NAME + " characters without |"));
            }
            names.add(name.filter(JsonNode::isString).map(JsonNode::stringValue).orElse(describe(recipe)));
            requests.add(request);
        }
        UUID id = UUID.randomUUID();
        jobs.submitAll(requests, submitter, Comparisons::path, violations, ids -> insert(id, names, ids));
        return id;
    }

    private static String path(int recipe) {
        return RECIPES + "[" + recipe + "]";
    }

    private static ArrayNode recipes(ObjectNode body) {
        if (body.path(RECIPES) instanceof ArrayNode recipes && recipes.size() >= FEWEST && recipes.size() <= MOST) {
            return recipes;
        }
        throw new InvalidRequestException(List.of(new Violation(
                RECIPES,
                "is required: a list of " + FEWEST + " to " + MOST + " objects, each with the fields that differ")));
    }

    /** What distinguishes the recipe, like "wanda, uniform". */
    private String describe(ObjectNode recipe) {
        String text = recipe.properties().stream()
                .filter(field -> !field.getKey().equals(NAME))
                .map(field -> field.getKey() + " "
                        + (field.getValue().isString()
                                ? field.getValue().stringValue()
                                : json.writeValueAsString(field.getValue())))
                .reduce((a, b) -> a + ", " + b)
                .orElse("as requested");
        return text.length() <= LONGEST_NAME ? text : text.substring(0, LONGEST_NAME);
    }

    private void insert(UUID id, List<String> names, List<UUID> ids) {
        jdbc.sql("insert into comparison (id, submitted_at) values (:id, :at)")
                .param("id", id)
                .param("at", OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS))
                .update();
        for (int i = 0; i < ids.size(); i++) {
            jdbc.sql("insert into comparison_recipe (comparison_id, position, name, job_id) "
                            + "values (:id, :position, :name, :job)")
                    .param("id", id)
                    .param("position", i)
                    .param("name", names.get(i))
                    .param("job", ids.get(i))
                    .update();
        }
    }

    private record Recipe(String name, UUID job) {}

    /** @throws MosaicException NOT_FOUND */
    ComparisonView require(UUID id) {
        OffsetDateTime submittedAt = jdbc.sql("select submitted_at from comparison where id = :id")
                .param("id", id)
                .query(OffsetDateTime.class)
                .optional()
                .orElseThrow(() -> new MosaicException(ErrorCode.NOT_FOUND, "No comparison " + id));
        List<Recipe> recipes = jdbc.sql(
                        "select name, job_id from comparison_recipe where comparison_id = :id order by position")
                .param("id", id)
                .query((row, index) -> new Recipe(row.getString("name"), row.getObject("job_id", UUID.class)))
                .list();
        return new ComparisonView(
                id,
                submittedAt.toInstant(),
                recipes.stream().flatMap(this::rows).toList());
    }

    /** A row per model that the recipe makes. */
    private Stream<ComparisonView.Row> rows(Recipe recipe) {
        Job job = jobs.require(recipe.job());
        JobRequest request = json.readValue(job.request(), JobRequest.class);
        List<PruningReport> measured =
                reports.find(recipe.job()).stream().map(PruningReport::parse).toList();
        return IntStream.range(0, request.outputs().size())
                .mapToObj(i -> row(
                        request.outputs().size() == 1
                                ? recipe.name()
                                : recipe.name() + ", "
                                        + request.sparsity().shares().get(i),
                        job,
                        request.outputs().get(i),
                        request.sparsity().shares().get(i),
                        measured.stream().skip(i).findFirst()));
    }

    private static ComparisonView.Row row(
            String name, Job job, String model, double sparsity, Optional<PruningReport> report) {
        return new ComparisonView.Row(
                name,
                job.id(),
                job.state(),
                model,
                sparsity,
                report.map(r -> r.sparsity().realised()),
                report.map(r ->
                        (double) r.sparsity().removedParameters() / r.sparsity().prunableParameters()),
                report.map(PruningReport::perplexity).orElse(List.of()),
                report.map(r -> r.memory().weightBytes()),
                report.flatMap(PruningReport::latency).map(PruningReport.Latency::prefillTokensPerSecond),
                report.flatMap(PruningReport::latency).map(PruningReport.Latency::decodeTokensPerSecond),
                report.map(r -> r.stages().stream()
                        .mapToDouble(PruningReport.StageTime::seconds)
                        .sum()),
                job.failure());
    }
}
