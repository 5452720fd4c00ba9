package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.TestHome;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A request that cannot be run is refused with field, value and limit, and leaves nothing behind. */
@IdleServerTest
class BadInputTests {
    private final Api api;
    private final JobRepository jobs;
    private final MosaicHome home;
    private long before;

    BadInputTests(Api api, JobRepository jobs, MosaicHome home) {
        this.api = api;
        this.jobs = jobs;
        this.home = home;
    }

    @BeforeEach
    void count() {
        before = jobs.count();
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(jobs.count()).isEqualTo(before);
        if (Files.exists(home.staging())) {
            assertThat(home.staging()).isEmptyDirectory();
        }
    }

    @Test
    void wholeNumberBeyondEveryDoubleIsNoNumber() {
        String body = "{\"model\": \"test/tiny\", \"sparsity\": 1" + "0".repeat(400) + "}";

        for (String path : new String[] {"/jobs", "/plans"}) {
            assertThat(Api.problem(api.post(path, body), 400, ErrorCode.INVALID_REQUEST)
                            .path("detail")
                            .stringValue())
                    .contains("is not a number");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "sparsity | 0 | 0.0 is not above 0 and at most 0.95",
                "sparsity | 1 | 1.0 is not above 0 and at most 0.95",
                "sparsity | 1.5 | 1.5 is not above 0 and at most 0.95",
                "sparsity | -0.5 | -0.5 is not above 0 and at most 0.95",
                "sparsity | 1e999 | is not a number",
                "sparsity | \"0.5\" | \"0.5\" is not a number",
                "sparsity | \"NaN\" | \"NaN\" is not a number",
                "sparsity | null | is required: a number above 0 and at most 0.95",
                "category | \"sparse\" | 'sparse' is not one of unstructured, structured, composite",
                "category | \"COMPOSITE\" | 'COMPOSITE' is not one of unstructured, structured, composite",
                "method | \"gptq\" | 'gptq' is not one of magnitude, wanda, sparsegpt",
                "allocation | \"owl\" | 'owl' is not one of uniform, layer, projection",
                "structuredScore | \"taylor\" | 'taylor' is not one of obs, ",
                "layout | \"ragged\" | 'ragged' is not one of uniform, per-layer",
                "structuredShare | 1.1 | 1.1 is not from 0 to 1",
                "outlierThreshold | 0 | 0.0 is not above 0 and at most 1000",
                "lambda | 0.6 | 0.6 is not from 0 to 0.5",
                "pattern | \"4:2\" | '4:2' is neither unstructured nor N:M with 0 < N < M <= 32",
                "pattern | \"2/4\" | '2/4' is neither unstructured nor N:M with 0 < N < M <= 32",
                "sparsty | 0.5 | unknown field; known are model, sparsity, ",
                "calibration | [] | [] is not an object",
                "calibration.samples | 0 | 0 is not from 1 to 2147483647",
                "calibration.samples | 1000000000 | 1000000000 exceeds the ",
                "calibration.samples | 1.5 | 1.5 is not a whole number",
                "calibration.sequenceLength | 65 | 65 exceeds the model's context of 64",
                "calibration.sequenceLength | 1 | 1 is not from 2 to 64",
                "calibration.seed | \"x\" | \"x\" is not a whole number",
                "calibration.sampling | \"all\" | 'all' is not one of random, strided",
                "calibration.stride | 2 | unknown field; known are corpus, samples, ",
                "evaluation.perplexity | \"tiny\" | \"tiny\" is not a list of strings",
                "evaluation.latency | 1 | 1 is not true or false",
                "calibration.bos | 1 | 1 is not true or false",
                "evaluation.windows | 0 | 0 is not from 1 to 2147483647",
                "evaluation.sequenceLength | 1 | 1 is not from 2 to the model's context of 64",
                "evaluation.sequenceLength | 65 | 65 is not from 2 to the model's context of 64",
                "evaluation.bos | \"yes\" | \"yes\" is not true or false",
                "evaluation.speed | true | unknown field; known are perplexity, latency, windows",
                "output | \"../up\" | '../up' is not namespace/name",
                "output | \"a/..\" | 'a/..' is not namespace/name",
                "output | \"a/b..c\" | 'a/b..c' is not namespace/name",
                "output | \"/etc\" | '/etc' is not namespace/name",
                "output | \"/etc/passwd\" | '/etc/passwd' is not namespace/name",
                "output | \"a/b/c\" | 'a/b/c' is not namespace/name",
                "output | \"a b/c d\" | 'a b/c d' is not namespace/name",
                "output | \".staging/x\" | '.staging/x' is not namespace/name",
                "output | \"x\" | 'x' is not namespace/name",
                "output | \"\" | '' is not namespace/name",
                "output | 7 | 7 is not a string"
            })
    void faultNamesFieldValueAndLimit(String field, String value, String message) {
        JsonNode problem = Api.problem(api.post("/jobs", with(field, value)), 400, ErrorCode.INVALID_REQUEST);

        assertThat(violations(problem))
                .singleElement()
                .satisfies(violation ->
                        assertThat(violation.path("field").stringValue()).isEqualTo(field))
                .satisfies(violation ->
                        assertThat(violation.path("message").stringValue()).contains(message));
        assertThat(problem.path("detail").stringValue()).contains(field, message);
    }

    @Test
    void longNameIsRefusedAndQuotedShort() {
        ObjectNode request = Requests.tiny("long/" + "n".repeat(300));

        JsonNode problem = Api.problem(api.post("/jobs", request), 400, ErrorCode.INVALID_REQUEST);

        assertThat(problem.path("detail").stringValue())
                .contains("each 1 to 96")
                .hasSizeLessThan(300);
    }

    @Test
    void patternThatDoesNotMatchTheRestIsToldInFull() {
        ObjectNode request = Requests.tiny("bad/pattern")
                .put("pattern", "3:7")
                .put("sparsity", 0.4)
                .put("category", "composite")
                .put("allocation", "layer");

        JsonNode problem = Api.problem(api.post("/jobs", request), 400, ErrorCode.INVALID_REQUEST);

        assertThat(fields(problem)).contains("sparsity", "category", "allocation", "pattern");
        assertThat(problem.path("detail").stringValue())
                .contains("0.4 does not match pattern 3:7")
                .contains("needs category unstructured, not composite")
                .contains("needs allocation uniform, not layer")
                .contains("rows of 64 inputs do not split into groups of 7");
    }

    @Test
    void allFaultsOfARequestAreReportedTogether() {
        JsonNode problem = Api.problem(api.post("/jobs", """
                        {"model": "no/such", "sparsity": 2, "category": "x", "method": "y", "allocation": 3,
                         "pattern": "z", "output": "..", "colour": "red",
                         "calibration": {"corpus": "none", "samples": 0, "width": 1},
                         "evaluation": {"perplexity": ["missing"], "latency": "yes"}}
                        """), 400, ErrorCode.INVALID_REQUEST);

        assertThat(fields(problem))
                .containsExactlyInAnyOrder(
                        "model",
                        "sparsity",
                        "category",
                        "method",
                        "allocation",
                        "pattern",
                        "output",
                        "colour",
                        "calibration.corpus",
                        "calibration.samples",
                        "calibration.width",
                        "evaluation.perplexity",
                        "evaluation.latency");
    }

    @Test
    void whatIsNotThereIsNamed() {
        assertThat(Api.problem(api.post("/jobs", with("model", "\"no/such\"")), 400, ErrorCode.MODEL_NOT_FOUND)
                        .path("detail")
                        .stringValue())
                .contains("no model 'no/such'");
        assertThat(Api.problem(
                                api.post("/jobs", with("calibration.corpus", "\"../secret\"")),
                                400,
                                ErrorCode.CORPUS_NOT_FOUND)
                        .path("detail")
                        .stringValue())
                .contains("calibration.corpus: no corpus '../secret'");
    }

    @Test
    void outputOfAModelThatExistsIsTaken() {
        JsonNode problem =
                Api.problem(api.post("/jobs", with("output", '"' + TestHome.TINY + '"')), 409, ErrorCode.OUTPUT_TAKEN);

        assertThat(fields(problem)).containsExactly("output");
        assertThat(problem.path("detail").stringValue()).contains(TestHome.TINY);
    }

    @Test
    void corpusTooShortForOneWindowIsRefused() throws IOException {
        Files.writeString(home.corpora().resolve("short.txt"), "Three words here");
        Files.writeString(home.corpora().resolve("empty.txt"), "");

        for (Map.Entry<String, String> row : Map.of(
                        "calibration.corpus", "\"short\"", "evaluation.perplexity", "[\"short\"]")
                .entrySet()) {
            JsonNode problem =
                    Api.problem(api.post("/jobs", with(row.getKey(), row.getValue())), 400, ErrorCode.CORPUS_TOO_SHORT);
            assertThat(fields(problem)).contains(row.getKey());
            assertThat(problem.path("detail").stringValue())
                    .containsPattern("'short' has \\d+ tokens, one window needs (32|64)");
        }
        ObjectNode shortest = with("calibration", "{\"corpus\": \"empty\"}");
        Api.problem(api.post("/jobs", shortest), 400, ErrorCode.CORPUS_TOO_SHORT);
    }

    @Test
    void corpusThatIsNotTextIsRefused() throws IOException {
        Files.write(home.corpora().resolve("binary.txt"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});

        JsonNode problem =
                Api.problem(api.post("/jobs", with("calibration.corpus", "\"binary\"")), 400, ErrorCode.CORPUS_INVALID);

        assertThat(fields(problem)).containsExactly("calibration.corpus");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "null",
                "{\"sparsity\": NaN}",
                "{\"sparsity\": 0.5, \"sparsity\": 0.6}",
                "{} {}",
                "model=test/tiny"
            })
    void bodyThatIsNotOneObjectIsMalformed(String body) {
        Api.problem(api.post("/jobs", body), 400, ErrorCode.MALFORMED_JSON);
    }

    @Test
    void bodyOf10MegabytesIsRefusedWithItsLimit() {
        ObjectNode request = Requests.tiny("bad/large").put("padding", "x".repeat(10 << 20));

        JsonNode problem = Api.problem(api.post("/jobs", request), 413, ErrorCode.REQUEST_TOO_LARGE);

        assertThat(problem.path("detail").stringValue()).contains("1048576 bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "application/xml"})
    void otherContentTypeIsRefused(String type) {
        HttpResponse<String> response = api.send(api.request("/jobs", "Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofString(
                        Requests.tiny("bad/type").toString())));

        Api.problem(response, 415, ErrorCode.UNSUPPORTED_MEDIA_TYPE);
    }

    @ParameterizedTest
    @CsvSource({
        "/jobs?state=WAITING, state",
        "/jobs?sort=request, sort",
        "/jobs?model=%00, model",
        "/jobs?page=2147483647&size=200, page",
        "/jobs/17, id"
    })
    void badQueryNamesItsParameter(String path, String field) {
        JsonNode problem = Api.problem(api.get(path), 400, ErrorCode.INVALID_REQUEST);

        assertThat(fields(problem)).containsExactly(field);
    }

    /** A valid request in which one field, given by its path, is something else. */
    private static ObjectNode with(String field, String value) {
        ObjectNode request = Requests.tiny("bad/input");
        ObjectNode parent = request;
        String name = field;
        int dot = field.indexOf('.');
        if (dot > 0) {
            parent = (ObjectNode) request.path(field.substring(0, dot));
            name = field.substring(dot + 1);
        }
        parent.set(name, JsonMapper.shared().readTree(value));
        return request;
    }

    private static List<JsonNode> violations(JsonNode problem) {
        List<JsonNode> violations = new ArrayList<>();
        problem.path("violations").forEach(violations::add);
        return violations;
    }

    private static List<String> fields(JsonNode problem) {
        return violations(problem).stream()
                .map(violation -> violation.path("field").stringValue())
                .distinct()
                .toList();
    }
}
