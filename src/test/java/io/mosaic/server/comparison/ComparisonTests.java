package io.mosaic.server.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Several recipes on one model become jobs of their own and one table. */
@ServerTest
class ComparisonTests {
    private final Api api;

    ComparisonTests(Api api) {
        this.api = api;
    }

    private static ObjectNode comparison() {
        ObjectNode body = Requests.tiny("unused/name");
        body.remove("output");
        body.put("category", "unstructured");
        return body;
    }

    @Test
    void recipesBecomeATableAtOneShare() {
        ObjectNode body = comparison();
        ArrayNode recipes = body.putArray("recipes");
        recipes.addObject().put("name", "searched").put("allocation", "auto").put("searchBudget", 6);
        recipes.addObject().put("allocation", "uniform").put("method", "magnitude");
        HttpResponse<String> accepted = api.post("/comparisons", body);
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        String link = accepted.headers().firstValue("Location").orElseThrow();
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .until(() -> api.json(link).path("finished").booleanValue());

        JsonNode table = api.json(link);

        assertThat(table.path("sameShare").booleanValue()).isTrue();
        assertThat(table.path("rows")).hasSize(2).allSatisfy(row -> {
            assertThat(row.path("state").stringValue()).isEqualTo("SUCCEEDED");
            assertThat(row.path("realised").doubleValue()).isEqualTo(0.5);
            assertThat(row.path("perplexity").path(0).path("pruned").doubleValue())
                    .isPositive();
            assertThat(api.json("/jobs/" + row.path("job").stringValue())
                            .path("result")
                            .path("model"))
                    .isEqualTo(row.path("model"));
        });
        assertThat(table.path("rows").valueStream().map(row -> row.path("name").stringValue()))
                .containsExactly("searched", "allocation uniform, method magnitude");
        JsonNode search = api.json(
                        "/jobs/" + table.path("rows").path(0).path("job").stringValue() + "/report")
                .path("search");
        assertThat(search.path("candidates")
                        .valueStream()
                        .map(c -> c.path("name").stringValue()))
                .startsWith("sensitivity");
        assertThat(search.path("spent").doubleValue()).isPositive().isLessThanOrEqualTo(6);
        HttpResponse<String> markdown = api.get(link, "Accept", "text/markdown");
        assertThat(markdown.body())
                .startsWith("| recipe | state | removed | physical |")
                .contains("| searched | SUCCEEDED | 0.5000 | 0.0000 |")
                .contains("Dense: ");
    }

    @Test
    void faultsOfAllRecipesAreNamedAndNothingIsQueued() {
        long before = api.json("/jobs").path("page").path("totalElements").longValue();
        ObjectNode body = comparison();
        ArrayNode recipes = body.putArray("recipes");
        recipes.addObject().put("method", "guess");
        recipes.addObject();
        recipes.addObject().put("sparsity", 7).put("colour", "red");
        recipes.addObject().putArray("name");
        recipes.add("text");

        JsonNode problem = Api.problem(api.post("/comparisons", body), 400, ErrorCode.INVALID_REQUEST);

        assertThat(problem.path("violations")
                        .valueStream()
                        .map(v -> v.path("field").stringValue()))
                .containsExactlyInAnyOrder(
                        "recipes[0].method",
                        "recipes[2].sparsity",
                        "recipes[2].colour",
                        "recipes[3].name",
                        "recipes[4]");
        assertThat(api.json("/jobs").path("page").path("totalElements").longValue())
                .isEqualTo(before);
    }

    @Test
    void recipesThatMakeOneModelOrAreTooFewAreRefused() {
        ObjectNode twice = comparison();
        ArrayNode recipes = twice.putArray("recipes");
        recipes.addObject().put("output", "same/name");
        recipes.addObject().put("output", "same/name");
        Api.problem(api.post("/comparisons", twice), 409, ErrorCode.OUTPUT_TAKEN);

        ObjectNode one = comparison();
        one.putArray("recipes").addObject();
        Api.problem(api.post("/comparisons", one), 400, ErrorCode.INVALID_REQUEST);
    }

    @Test
    void unknownComparisonIsNotFound() {
        Api.problem(api.get("/comparisons/00000000-0000-0000-0000-000000000000"), 404, ErrorCode.NOT_FOUND);
    }
}
