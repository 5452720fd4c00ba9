package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TinyModel;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A job for a list of sparsities, and one that drops whole layers, over HTTP. */
@ServerTest
class SeveralModelsTests {
    private final Api api;
    private final JdbcClient jdbc;

    SeveralModelsTests(Api api, JdbcClient jdbc) {
        this.api = api;
        this.jdbc = jdbc;
    }

    private static ObjectNode request(String output, String sparsity) {
        ObjectNode request = Requests.tiny(output);
        request.set("sparsity", JsonMapper.shared().readTree(sparsity));
        request.put("allocation", "projection").put("propagation", "dense");
        return request;
    }

    @Test
    void listMakesAModelAndAReportPerSparsity() {
        ObjectNode request = request("several/made", "[0.3, 0.525]");
        JsonNode plans = Api.json(api.post("/plans", request)).path("plans");
        JsonNode job = api.awaitEnd(api.submit(request), "SUCCEEDED");

        String id = job.path("id").stringValue();
        assertThat(job.path("request").path("sparsity").toString()).isEqualTo("[0.3,0.525]");
        assertThat(texts(job.path("result").path("models"))).containsExactly("several/made-30", "several/made-52.5");
        assertThat(job.path("links").has("archive")).isFalse();
        JsonNode reports = api.json("/jobs/" + id + "/report").path("reports");
        assertThat(reports).hasSize(2);
        assertThat(plans).hasSize(2);
        List<Double> shares = List.of(0.3, 0.525);
        for (int i = 0; i < shares.size(); i++) {
            String model = job.path("result").path("models").path(i).stringValue();
            JsonNode sparsity = reports.path(i).path("sparsity");
            long removed = sparsity.path("removedParameters").longValue()
                    + sparsity.path("zeroedParameters").longValue();
            assertThat(reports.path(i).path("model").stringValue()).isEqualTo(model);
            assertThat(removed).isEqualTo(Math.round(shares.get(i) * TinyModel.prunableParameters()));
            assertThat(plans.path(i).path("model").stringValue()).isEqualTo(model);
            assertThat(plans.path(i).path("removedParameters").longValue()
                            + plans.path(i).path("zeroedParameters").longValue())
                    .isEqualTo(removed);
            assertThat(api.json("/models/" + model).path("job").path("id").asString(id))
                    .isEqualTo(id);
            assertThat(api.download("/models/" + model + "/archive").statusCode())
                    .isEqualTo(200);
            assertThat(JsonMapper.shared()
                            .readTree(api.get("/models/" + model + "/files/report.json")
                                    .body()))
                    .isEqualTo(reports.path(i));
            assertThat(jdbc.sql("select value from metric where job_id = cast(:job as uuid) and model = :model"
                                    + " and name = 'perplexity' and subject = 'pruned'")
                            .param("job", id)
                            .param("model", model)
                            .query(Double.class)
                            .single())
                    .isEqualTo(reports.path(i)
                            .path("perplexity")
                            .path(0)
                            .path("pruned")
                            .doubleValue());
        }
    }

    private static List<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::stringValue).toList();
    }

    @Test
    void listOfOneIsASingleSparsity() {
        JsonNode job = api.awaitEnd(api.submit(request("several/one", "[0.4]")), "SUCCEEDED");
        assertThat(job.path("request").path("sparsity").doubleValue()).isEqualTo(0.4);
        assertThat(job.path("result").path("model").stringValue()).isEqualTo("several/one");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "[];sparsity",
                "[0.1,0.11,0.12,0.13,0.14,0.15,0.16,0.17,0.18,0.19,0.2,0.21,0.22,0.23,0.24,0.25,0.26];sparsity",
                "[0.3,0.3];sparsity[1]",
                "[0.3,1.5];sparsity[1]",
                "[\"0.3\"];sparsity[0]",
                "[[0.3]];sparsity[0]",
                "{};sparsity"
            })
    void faultyListIsNamed(String sparsity, String field) {
        JsonNode problem =
                Api.problem(api.post("/jobs", request("several/faulty", sparsity)), 400, ErrorCode.INVALID_REQUEST);
        assertThat(problem.path("violations"))
                .singleElement()
                .satisfies(violation ->
                        assertThat(violation.path("field").stringValue()).isEqualTo(field));
    }

    @Test
    void nameThatGrowsTooLongIsRefusedBeforeTheRun() {
        ObjectNode request = request("any/name", "[0.3, 1e-90]");
        request.remove("output");
        JsonNode problem = Api.problem(api.post("/jobs", request), 400, ErrorCode.INVALID_REQUEST);
        assertThat(problem.path("violations").path(0).path("field").stringValue())
                .isEqualTo("output");
    }

    @Test
    void modelsOfAListAreReservedWhileItsJobIsUnfinished() {
        String busy = api.submit(Requests.demo("several/busy"));
        api.submit(request("several/reserved", "[0.3, 0.5]"));

        Api.problem(api.post("/jobs", request("several/reserved-50", "0.5")), 409, ErrorCode.OUTPUT_TAKEN);
        Api.problem(api.post("/jobs", request("several/reserved", "[0.2, 0.3]")), 409, ErrorCode.OUTPUT_TAKEN);
        api.submit(request("several/reserved", "0.5"));
        api.post("/jobs/" + busy + "/cancel", "");
    }

    @Test
    void wholeLayersCountAsRemoved() {
        ObjectNode request = request("several/shallow", "0.6");
        request.put("category", "composite").put("alignment", 1).put("dropLayers", 1);
        JsonNode plan = Api.json(api.post("/plans", request));
        JsonNode job = api.awaitEnd(api.submit(request), "SUCCEEDED");

        JsonNode report = api.json("/jobs/" + job.path("id").stringValue() + "/report");
        assertThat(report.path("depth").path("dropped")).hasSize(1);
        long removed = report.path("sparsity").path("removedParameters").longValue();
        long zeroed = report.path("sparsity").path("zeroedParameters").longValue();
        assertThat(removed).isGreaterThanOrEqualTo(TinyModel.prunableParameters() / TinyModel.LAYERS);
        assertThat(removed + zeroed).isEqualTo(Math.round(0.6 * TinyModel.prunableParameters()));
        assertThat(plan.path("layers")).hasSize(TinyModel.LAYERS - 1);
        assertThat(plan.path("removedParameters").longValue()).isEqualTo(removed);
        assertThat(plan.path("zeroedParameters").longValue()).isEqualTo(zeroed);
        JsonNode config = JsonMapper.shared()
                .readTree(api.get("/models/several/shallow/files/config.json").body());
        assertThat(config.path("num_hidden_layers").intValue()).isEqualTo(TinyModel.LAYERS - 1);
    }

    @ParameterizedTest
    @CsvSource({
        "dropLayers, 2, composite, sparsegpt, pruned, dropLayers",
        "dropLayers, -1, composite, sparsegpt, pruned, dropLayers",
        "dropLayers, 1, unstructured, sparsegpt, pruned, dropLayers",
        "dropLayers, 1, structured, sparsegpt, pruned, sparsity",
        "trueSequential, true, structured, sparsegpt, pruned, trueSequential",
        "trueSequential, true, unstructured, magnitude, pruned, trueSequential",
        "trueSequential, true, unstructured, sparsegpt, dense, trueSequential"
    })
    void optionThatCannotBeIsRefused(
            String option, String value, String category, String method, String propagation, String field) {
        ObjectNode request = request("several/refused", "0.3");
        request.put("category", category).put("method", method).put("propagation", propagation);
        request.set(option, JsonMapper.shared().readTree(value));
        JsonNode problem = Api.json(api.post("/jobs", request));
        assertThat(problem.path("status").intValue()).isEqualTo(400);
        assertThat(problem.path("violations")
                        .valueStream()
                        .map(violation -> violation.path("field").stringValue()))
                .containsExactly(field);
    }
}
