package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.TestHome;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@IdleServerTest
class JobSubmissionTests {
    private final Api api;

    JobSubmissionTests(Api api) {
        this.api = api;
    }

    @Test
    void acceptedJobHasItsLocationAndEveryDefaultResolved() {
        HttpResponse<String> response = api.post("/jobs", "{\"model\": \"mosaic/demo\", \"sparsity\": 0.5}");

        assertThat(response.statusCode()).isEqualTo(202);
        JsonNode job = Api.json(response);
        String id = job.path("id").stringValue();
        assertThat(response.headers().firstValue("Location")).hasValue("/jobs/" + id);
        assertThat(Api.state(job)).isEqualTo("QUEUED");
        assertThat(job.path("attempt").intValue()).isZero();
        assertThat(job.path("submittedAt").stringValue())
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z");
        assertThat(job.path("request").path("output").stringValue())
                .isEqualTo("mosaic/demo-composite-50-" + id.substring(0, 8));
        assertThat(job.path("request").toString())
                .isEqualTo(JsonMapper.shared()
                        .readTree("""
                        {"model": "mosaic/demo", "sparsity": 0.5, "category": "composite", "method": "admm",
                         "solverIterations": 20, "refitIterations": 5, "allocation": "auto", "pattern": "unstructured", "structuredShare": 0.5,
                         "structuredScore": "obs", "layout": "uniform", "alignment": 32, "dropLayers": 0,
                         "outlierThreshold": 5.0, "lambda": 0.08, "searchBudget": 2.0, "propagation": "pruned",
                         "trueSequential": false, "computePrecision": "auto",
                         "calibration": {"corpus": "demo-calibration", "samples": 128, "sequenceLength": 256,
                                         "seed": 0, "sampling": "random", "bos": false},
                         "evaluation": {"perplexity": ["demo-test"], "latency": true, "windows": 64, "sequenceLength": 256,
                                        "bos": false},
                         "output": "mosaic/demo-composite-50-%s"}
                        """.formatted(id.substring(0, 8)))
                        .toString());
        assertThat(job.path("links").path("self").stringValue()).isEqualTo("/jobs/" + id);
        assertThat(job.path("links").path("events").stringValue()).isEqualTo("/jobs/" + id + "/events");
        assertThat(job.path("links").has("report")).isFalse();
        assertThat(api.get("/jobs/" + id).body()).isEqualTo(response.body());
    }

    @Test
    void fieldsThatTheCategoryDoesNotUseAreAbsent() {
        JsonNode unstructured = request(Requests.tiny("submission/unstructured").put("category", "unstructured"));
        JsonNode structured = request(Requests.tiny("submission/structured")
                .put("category", "structured")
                .put("allocation", "uniform"));

        assertThat(unstructured.propertyNames())
                .contains("method", "pattern")
                .doesNotContain("structuredShare", "structuredScore", "layout", "alignment");
        assertThat(structured.propertyNames())
                .contains("structuredScore", "layout")
                .doesNotContain("method", "pattern", "structuredShare", "searchBudget");
    }

    @Test
    void defaultsOfTheCalibrationShrinkToTheContextAndTheCorpus() {
        JsonNode request = request(JsonMapper.shared()
                .createObjectNode()
                .put("model", TestHome.TINY)
                .put("sparsity", 0.5)
                .set("calibration", JsonMapper.shared().createObjectNode().put("corpus", TestHome.TEXT)));

        JsonNode calibration = request.path("calibration");
        assertThat(calibration.path("sequenceLength").intValue()).isEqualTo(64);
        assertThat(calibration.path("samples").intValue()).isBetween(10, 127);
    }

    @Test
    void evaluationIsAsLargeAsAsked() {
        ObjectNode tiny = Requests.tiny("submission/evaluation");
        ((ObjectNode) tiny.path("evaluation"))
                .put("windows", 3)
                .put("sequenceLength", 16)
                .put("bos", true);

        JsonNode evaluation = request(tiny).path("evaluation");

        assertThat(evaluation.path("windows").intValue()).isEqualTo(3);
        assertThat(evaluation.path("sequenceLength").intValue()).isEqualTo(16);
        assertThat(evaluation.path("bos").booleanValue()).isTrue();
    }

    @Test
    void patternChoosesTheCategoryAndTheAllocationThatItNeeds() {
        JsonNode request = request(Requests.tiny("submission/pattern").put("pattern", "2:4"));

        assertThat(request.path("pattern").stringValue()).isEqualTo("2:4");
        assertThat(request.path("category").stringValue()).isEqualTo("unstructured");
        assertThat(request.path("allocation").stringValue()).isEqualTo("uniform");
    }

    @Test
    void answerThatTheClientRefusesQueuesNothing() {
        long before = api.json("/jobs").path("page").path("totalElements").longValue();

        HttpResponse<String> refused = api.post("/jobs", Requests.tiny("submission/accept"), "Accept", "text/markdown");

        assertThat(refused.statusCode()).isEqualTo(406);
        assertThat(api.json("/jobs").path("page").path("totalElements").longValue())
                .isEqualTo(before);
    }

    @Test
    void manyUnknownFieldsAreToldInFew() {
        StringBuilder body = new StringBuilder("{\"model\": \"test/tiny\", \"sparsity\": 0.5");
        for (int i = 0; i < 20_000; i++) {
            body.append(", \"f").append(i).append("\": 1");
        }

        HttpResponse<String> refused = api.post("/jobs", body.append('}').toString());

        assertThat(Api.problem(refused, 400, ErrorCode.INVALID_REQUEST).path("violations"))
                .hasSize(21)
                .last()
                .satisfies(
                        rest -> assertThat(rest.path("message").stringValue()).isEqualTo("19980 more unknown fields"));
        assertThat(refused.body()).hasSizeLessThan(20_000);
    }

    @Test
    void pagesThatCannotBeAreRefused() {
        for (String query :
                List.of("page=-1", "page=x", "page=99999999999", "size=0", "size=201", "size=", "page=%ff")) {
            Api.problem(api.get("/jobs?" + query), 400, ErrorCode.INVALID_REQUEST);
        }
        assertThat(api.get("/jobs?page=0&size=200").statusCode()).isEqualTo(200);
    }

    @Test
    void bodyThatNestsDeepOrHoldsAnEndlessNumberIsMalformed() {
        for (String body : List.of("{\"a\":" + "[".repeat(2000), "{\"a\":" + "1".repeat(2000) + "}", "{\"a\":+1}")) {
            JsonNode problem = Api.problem(api.post("/jobs", body), 400, ErrorCode.MALFORMED_JSON);
            assertThat(problem.path("detail").stringValue()).doesNotContain("Feature", "StreamRead");
        }
    }

    @Test
    void sameIdempotencyKeyAndBodyGiveTheSameJob() {
        HttpResponse<String> first =
                api.post("/jobs", "{\"model\": \"test/tiny\", \"sparsity\": 0.25}", "Idempotency-Key", "same");
        HttpResponse<String> again =
                api.post("/jobs", "{ \"sparsity\":0.25,\n\"model\":\"test/tiny\" }", "Idempotency-Key", "same");

        assertThat(first.statusCode()).isEqualTo(202);
        assertThat(again.statusCode()).isEqualTo(200);
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(again.headers().firstValue("Location"))
                .isEqualTo(first.headers().firstValue("Location"));
    }

    @Test
    void sameIdempotencyKeyWithAnotherBodyIsRefused() {
        api.post("/jobs", Requests.tiny("submission/key"), "Idempotency-Key", "other");
        HttpResponse<String> other =
                api.post("/jobs", Requests.tiny("submission/key").put("sparsity", 0.6), "Idempotency-Key", "other");

        Api.problem(other, 409, ErrorCode.IDEMPOTENCY_KEY_REUSED);
    }

    @Test
    void idempotencyKeyIsFromOneTo255Characters() {
        for (String key : List.of(" ", "k".repeat(256))) {
            JsonNode problem = Api.problem(
                    api.post("/jobs", Requests.tiny("submission/long-key"), "Idempotency-Key", key),
                    400,
                    ErrorCode.INVALID_REQUEST);
            assertThat(problem.path("violations").path(0).path("field").stringValue())
                    .isEqualTo("Idempotency-Key");
        }
    }

    @Test
    void manyClientsWithOneKeyMakeOneJob() throws Exception {
        for (int round = 0; round < 5; round++) {
            String output = "submission/race-" + round;
            List<HttpResponse<String>> responses =
                    atOnce(8, () -> api.post("/jobs", Requests.tiny(output), "Idempotency-Key", output));

            assertThat(responses).extracting(HttpResponse::statusCode).containsOnly(202, 200);
            assertThat(responses)
                    .filteredOn(response -> response.statusCode() == 202)
                    .hasSize(1);
            assertThat(responses)
                    .extracting(response -> Api.json(response).path("id").stringValue())
                    .containsOnly(Api.json(responses.getFirst()).path("id").stringValue());
        }
    }

    @Test
    void manyClientsWithOneOutputMakeOneJob() throws Exception {
        List<HttpResponse<String>> responses =
                atOnce(8, () -> api.post("/jobs", Requests.tiny("submission/contested")));

        assertThat(responses)
                .filteredOn(response -> response.statusCode() == 202)
                .hasSize(1);
        assertThat(responses)
                .filteredOn(response -> response.statusCode() != 202)
                .hasSize(7)
                .allSatisfy(response -> Api.problem(response, 409, ErrorCode.OUTPUT_TAKEN));
    }

    @Test
    void jobsAreListedNewestFirstInPages() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.addFirst(api.submit(Requests.tiny("submission/page-" + i).put("model", "listing/model")));
        }

        JsonNode first = api.json("/jobs?model=listing/model&size=2");
        assertThat(ids(first)).isEqualTo(ids.subList(0, 2));
        assertThat(first.path("page").toString())
                .isEqualTo("{\"size\":2,\"number\":0,\"totalElements\":5,\"totalPages\":3}");
        assertThat(ids(api.json("/jobs?model=listing/model&size=2&page=1"))).isEqualTo(ids.subList(2, 4));
        assertThat(ids(api.json("/jobs?model=listing/model&size=2&page=2"))).isEqualTo(ids.subList(4, 5));
        assertThat(ids(api.json("/jobs?model=listing/model&size=2&page=3"))).isEmpty();
        assertThat(ids(api.json("/jobs?model=listing/model&sort=submittedAt,asc")))
                .isEqualTo(ids.reversed());
        assertThat(api.json("/jobs?model=listing/model&sort=output,desc").path("content"))
                .extracting(job -> job.path("request").path("output").stringValue())
                .containsExactly(
                        "submission/page-4",
                        "submission/page-3",
                        "submission/page-2",
                        "submission/page-1",
                        "submission/page-0");
        api.post("/jobs/" + ids.getFirst() + "/cancel", "");
        assertThat(ids(api.json("/jobs?model=listing/model&state=CANCELLED"))).isEqualTo(ids.subList(0, 1));
        assertThat(ids(api.json("/jobs?model=listing/model&state=QUEUED"))).isEqualTo(ids.subList(1, 5));
        assertThat(ids(api.json("/jobs?model=listing/nothing"))).isEmpty();
    }

    @Test
    void pagesOfJobsSubmittedAtOnceNeitherRepeatNorSkip() {
        Set<String> submitted = IntStream.range(0, 7)
                .mapToObj(i -> api.submit(Requests.tiny("submission/stable-" + i)))
                .collect(Collectors.toSet());

        List<String> paged = new ArrayList<>();
        for (int page = 0;
                paged.size()
                        < api.json("/jobs?size=1")
                                .path("page")
                                .path("totalElements")
                                .intValue();
                page++) {
            paged.addAll(ids(api.json("/jobs?sort=model&size=3&page=" + page)));
        }
        assertThat(paged).doesNotHaveDuplicates().containsAll(submitted);
    }

    private JsonNode request(JsonNode body) {
        HttpResponse<String> response = api.post("/jobs", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(202);
        return Api.json(response).path("request");
    }

    private static List<String> ids(JsonNode page) {
        List<String> ids = new ArrayList<>();
        page.path("content").forEach(job -> ids.add(job.path("id").stringValue()));
        return ids;
    }

    private static <T> List<T> atOnce(int times, Callable<T> call) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(times)) {
            List<T> results = new ArrayList<>();
            for (Future<T> result : threads.invokeAll(Collections.nCopies(times, call))) {
                results.add(result.get());
            }
            return results;
        }
    }
}
