package io.mosaic.server.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TestHome;
import io.mosaic.fixture.TinyModel;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A plan tells what a job does before it runs, and better once the model has been measured. */
@ServerTest
class PlanTests {
    private final Api api;

    PlanTests(Api api) {
        this.api = api;
    }

    private JsonNode plan(ObjectNode request) {
        var response = api.post("/plans", request);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return Api.json(response);
    }

    /** Layer, projection and removed share of each, as text. */
    private static String shares(JsonNode projections) {
        return projections
                .valueStream()
                .map(p -> p.path("projection").stringValue() + " "
                        + (p.has("sparsity") ? p.path("sparsity") : p.path("realised")).doubleValue() + " "
                        + p.path("shapeAfter"))
                .collect(Collectors.joining("\n"));
    }

    @Test
    void allocationFromAStoredRankingIsTheOneThatTheJobHad() {
        ObjectNode request = Requests.tiny("plan/ranked");
        request.put("allocation", "projection").put("outlierThreshold", 4.5);
        request.putObject("calibration")
                .put("corpus", TestHome.TEXT)
                .put("samples", 3)
                .put("sequenceLength", 32);
        assertThat(plan(request).path("basis").stringValue()).isEqualTo("UNMEASURED");
        String job = api.submit(request);
        api.awaitEnd(job, "SUCCEEDED");

        JsonNode plan = plan(request);
        JsonNode report = api.json("/jobs/" + job + "/report");

        assertThat(plan.path("basis").stringValue()).isEqualTo("RANKING");
        String planned = plan.path("layers")
                .valueStream()
                .map(layer -> shares(layer.path("projections")))
                .collect(Collectors.joining("\n"));
        assertThat(planned).isEqualTo(shares(report.path("sparsity").path("projections")));
        assertThat(plan.path("removedParameters"))
                .isEqualTo(report.path("sparsity").path("removedParameters"));
        assertThat(plan.path("zeroedParameters"))
                .isEqualTo(report.path("sparsity").path("zeroedParameters"));
        assertThat(plan.path("weightBytes")).isEqualTo(report.path("memory").path("weightBytes"));
        assertThat(plan.path("seconds").doubleValue()).isPositive();
        assertThat(plan.path("needsBytes").longValue()).isPositive();
        JsonNode evaluation = plan.path("evaluation");
        int windows = report.path("perplexity").path(0).path("windows").intValue();
        assertThat(windows).isBetween(1, 64);
        assertThat(evaluation.path("tokens").longValue())
                .as("of the dense and of the pruned model")
                .isEqualTo(2L * windows * TinyModel.CONTEXT);
        assertThat(evaluation.path("operations").doubleValue()).isPositive();
        assertThat(evaluation.path("seconds").doubleValue()).isPositive();
    }

    @Test
    void sensitivitiesOfOneCategoryServeThePlanOfAnother() {
        ObjectNode request =
                Requests.tiny("plan/zeros").put("category", "unstructured").put("searchBudget", 6);
        request.putObject("calibration")
                .put("corpus", TestHome.TEXT)
                .put("samples", 2)
                .put("sequenceLength", 32);
        api.awaitEnd(api.submit(request), "SUCCEEDED");

        ObjectNode other = request.deepCopy().put("category", "composite").put("output", "plan/both");
        assertThat(plan(other).path("basis").stringValue()).isEqualTo("SENSITIVITIES");
        assertThat(plan(other.put("dropLayers", 1)).path("basis").stringValue()).isEqualTo("UNMEASURED");
    }

    @Test
    void planMakesNoJobAndNoModel() {
        long before = api.json("/jobs").path("page").path("totalElements").longValue();
        JsonNode plan = plan(Requests.tiny("plan/none").put("allocation", "uniform"));

        assertThat(plan.path("basis").stringValue()).isEqualTo("SHAPES");
        assertThat(plan.path("prunableParameters").longValue()).isEqualTo(TinyModel.prunableParameters());
        assertThat(plan.path("removedParameters").longValue()
                        + plan.path("zeroedParameters").longValue())
                .isEqualTo(TinyModel.prunableParameters() / 2);
        assertThat(api.json("/jobs").path("page").path("totalElements").longValue())
                .isEqualTo(before);
        assertThat(api.get("/models/plan/none").statusCode()).isEqualTo(404);
    }

    @Test
    void faultsAreThoseOfAJob() {
        ObjectNode faulty = Requests.tiny("plan/faulty")
                .put("sparsity", 2)
                .put("searchBudget", 0.5)
                .put("alignment", 0)
                .put("allocation", "layer")
                .put("structuredShare", "auto");
        JsonNode problem = Api.problem(api.post("/plans", faulty), 400, ErrorCode.INVALID_REQUEST);
        assertThat(problem.path("violations")
                        .valueStream()
                        .map(v -> v.path("field").stringValue()))
                .containsExactlyInAnyOrder("sparsity", "searchBudget", "alignment", "structuredShare");
    }
}
