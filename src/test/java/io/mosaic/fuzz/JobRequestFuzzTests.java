package io.mosaic.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.job.JobService;
import io.mosaic.server.request.JsonBody;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The body of a job request: a client gets a job, a plan or its faults, whatever it sends. */
@IdleServerTest
@Timeout(120)
class JobRequestFuzzTests {
    private static final Reading READING = new Reading(16 << 20);
    private static final Inputs INPUTS = Inputs.of(JobRequestFuzzTests.class);
    private static final Set<Integer> REFUSALS = Set.of(400, 409, 413);

    /** Half of a character, which strict readers of JSON refuse; a whole one is not escaped. */
    private static final Pattern HALF = Pattern.compile("\\\\u[dD][89a-fA-F]");

    private final JobService jobs;
    private final JsonBody json;
    private final JsonMapper mapper;
    private final Api api;

    JobRequestFuzzTests(JobService jobs, JsonBody json, JsonMapper mapper, Api api) {
        this.jobs = jobs;
        this.json = json;
        this.mapper = mapper;
        this.api = api;
    }

    @Test
    void validIsRead() throws Throwable {
        Reading.valid(INPUTS, this::read);
    }

    @FuzzTest
    void readOrRefused(byte[] body) {
        READING.check(body, this::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        INPUTS.mutate(1000, this::readOrRefused);
    }

    static Set<String> inputs() {
        return INPUTS.files().keySet();
    }

    @ParameterizedTest
    @MethodSource("inputs")
    void clientIsAnswered(String input) {
        HttpResponse<String> plan = post("/plans", input);
        HttpResponse<String> job = post("/jobs", input);

        if (job.statusCode() == 202) {
            assertThat(plan.statusCode()).as(plan.body()).isEqualTo(200);
            api.post("/jobs/" + Api.json(job).path("id").stringValue() + "/cancel", "");
        } else {
            assertProblem(job);
        }
        if (plan.statusCode() != 200) {
            assertProblem(plan);
        }
    }

    /** What stands in a message is cut, and a cut must not leave half of a character. */
    @ParameterizedTest
    @ValueSource(ints = {58, 59, 60, 61, 62})
    void emojiAtTheCutIsAnswered(int before) {
        String text = "x".repeat(before) + "\ud83d\ude00".repeat(50);

        assertProblem(api.post("/jobs", "{\"model\": \"" + text + "\"}"));
        assertProblem(api.post("/jobs", "{\"" + text + "\": 1}"));
        assertProblem(api.post("/jobs", "{\"sparsity\": \"" + text + "\"}"));
    }

    private HttpResponse<String> post(String path, String input) {
        return api.send(api.request(path, "Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(INPUTS.file(input))));
    }

    private static void assertProblem(HttpResponse<String> response) {
        assertThat(REFUSALS).as(response.body()).contains(response.statusCode());
        assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = Api.json(response);
        assertThat(problem.path("type").stringValue()).isEqualTo("USER_ERROR");
        assertThat(problem.path("detail").stringValue()).isNotBlank();
        assertThat(response.body()).doesNotContainPattern(HALF);
    }

    private void read(byte[] body) throws IOException {
        try {
            jobs.check(json.read(new ByteArrayInputStream(body)));
        } catch (InvalidRequestException e) {
            assertThat(e.violations()).isNotEmpty();
            assertThat(mapper.writeValueAsString(e.violations())).doesNotContainPattern(HALF);
        }
    }
}
