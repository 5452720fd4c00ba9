package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.EventStream;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TestHome;
import io.mosaic.fixture.TinyModel;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@ServerTest
class JobLifeTests {
    private final Api api;

    JobLifeTests(Api api) {
        this.api = api;
    }

    @Test
    void finishedJobNamesItsModelAndItsTimes() {
        JsonNode job = api.awaitEnd(api.submit(Requests.tiny("life/first")), "SUCCEEDED");

        assertThat(job.path("attempt").intValue()).isEqualTo(1);
        assertThat(job.path("device").stringValue()).matches("cpu|cuda:\\d+");
        assertThat(job.path("worker").stringValue()).isNotBlank();
        assertThat(job.path("progress").path("stage").stringValue()).isEqualTo("EXPORTING");
        assertThat(job.path("progress").path("fraction").doubleValue()).isEqualTo(1);
        assertThat(job.path("progress").has("etaSeconds")).isFalse();
        assertThat(job.has("error")).isFalse();
        assertThat(job.path("result").path("model").stringValue()).isEqualTo("life/first");
        assertThat(time(job, "startedAt")).isBetween(time(job, "submittedAt"), time(job, "finishedAt"));
        job.path("links")
                .forEach(link -> assertThat(
                                api.send(api.request(link.stringValue())).statusCode())
                        .as(link.stringValue())
                        .isEqualTo(200));
        assertThat(job.path("links").propertyNames())
                .containsExactlyInAnyOrder("self", "report", "events", "model", "archive");
    }

    @Test
    void pollingAnswersNotModifiedUntilTheJobChanges() {
        HttpResponse<String> submitted = api.post("/jobs", Requests.tiny("life/polled"));
        String id = Api.json(submitted).path("id").stringValue();
        String early = api.get("/jobs/" + id).headers().firstValue("ETag").orElseThrow();
        api.awaitEnd(id, "SUCCEEDED");

        HttpResponse<String> ended = api.get("/jobs/" + id, "If-None-Match", early);
        String late = ended.headers().firstValue("ETag").orElseThrow();
        HttpResponse<String> unchanged = api.get("/jobs/" + id, "If-None-Match", late);

        assertThat(ended.statusCode()).isEqualTo(200);
        assertThat(late).startsWith("\"").isNotEqualTo(early);
        assertThat(unchanged.statusCode()).isEqualTo(304);
        assertThat(unchanged.body()).isEmpty();
    }

    @Test
    void reportHoldsEveryMeasuredNumber() {
        String id = api.submit(Requests.tiny("life/report").put("allocation", "projection"));
        api.awaitEnd(id, "SUCCEEDED");

        JsonNode report = api.json("/jobs/" + id + "/report");

        JsonNode sparsity = report.path("sparsity");
        assertThat(sparsity.path("nominal").doubleValue()).isEqualTo(0.5);
        assertThat(sparsity.path("realised").doubleValue()).isEqualTo(0.5);
        assertThat(sparsity.path("prunableParameters").longValue()).isEqualTo(TinyModel.prunableParameters());
        assertThat(sparsity.path("removedParameters").longValue()
                        + sparsity.path("zeroedParameters").longValue())
                .isEqualTo(TinyModel.prunableParameters() / 2);
        assertThat(sparsity.path("projections"))
                .hasSize(7 * TinyModel.LAYERS)
                .allSatisfy(projection -> assertThat(projection.propertyNames())
                        .contains(
                                "layer",
                                "projection",
                                "outlierRatio",
                                "nominal",
                                "realised",
                                "shapeBefore",
                                "shapeAfter",
                                "dampening",
                                "squaredError"));
        JsonNode perplexity = report.path("perplexity").path(0);
        assertThat(perplexity.path("corpus").stringValue()).isEqualTo(TestHome.TEXT);
        assertThat(perplexity.path("protocol").stringValue()).isEqualTo("perplexity/disjoint@" + TinyModel.CONTEXT);
        // random weights know nothing: near the vocabulary's size
        assertThat(perplexity.path("dense").doubleValue()).isBetween(3000.0, 6000.0);
        assertThat(perplexity.path("pruned").doubleValue()).isBetween(3000.0, 6000.0);
        assertThat(report.path("memory").path("weightBytes").path("pruned").longValue())
                .isLessThan(
                        report.path("memory").path("weightBytes").path("dense").longValue());
        assertThat(report.path("stages"))
                .extracting(stage -> stage.path("stage").stringValue())
                .containsExactly("LOADING", "RANKING", "ALLOCATING", "PRUNING", "EVALUATING", "EXPORTING");
        JsonNode provenance = report.path("provenance");
        assertThat(provenance.path("model").stringValue()).isEqualTo(TestHome.TINY);
        assertThat(provenance.path("modelSha256").stringValue()).matches("[0-9a-f]{64}");
        assertThat(provenance.path("corpora").path(TestHome.TEXT).stringValue()).matches("[0-9a-f]{64}");
        assertThat(provenance.path("versions").propertyNames()).contains("mosaic", "java", "pytorch");
        assertThat(JsonMapper.shared()
                        .readTree(
                                api.get("/models/life/report/files/report.json").body()))
                .isEqualTo(report);
    }

    @Test
    void reportOfAnUnfinishedJobIsRefused() {
        String id = api.submit(Requests.demo("life/unfinished"));

        Api.problem(api.get("/jobs/" + id + "/report"), 409, ErrorCode.JOB_NOT_FINISHED);

        api.post("/jobs/" + id + "/cancel", "");
        api.awaitEnd(id, "CANCELLED");
        Api.problem(api.get("/jobs/" + id + "/report"), 409, ErrorCode.JOB_NOT_FINISHED);
    }

    @Test
    void finishedJobCannotBeCancelled() {
        String id = api.submit(Requests.tiny("life/too-late"));
        JsonNode ended = api.awaitEnd(id, "SUCCEEDED");

        Api.problem(api.post("/jobs/" + id + "/cancel", ""), 409, ErrorCode.JOB_FINISHED);
        assertThat(api.job(id)).isEqualTo(ended);
    }

    @Test
    void eventsTellEveryStateAndStageInOrder() {
        String id = api.submit(Requests.tiny("life/events"));

        // opened while the job waits or runs; ends with the job
        HttpResponse<String> stream = api.get("/jobs/" + id + "/events", "Accept", "text/event-stream");

        assertThat(stream.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/event-stream");
        List<EventStream.Event> events = EventStream.parse(stream.body());
        assertThat(events).extracting(EventStream.Event::id).isSorted().doesNotHaveDuplicates();
        assertThat(events)
                .filteredOn(event -> event.kind().equals("state"))
                .extracting(event -> Api.state(event.data()))
                .containsExactly("QUEUED", "RUNNING", "SUCCEEDED");
        List<EventStream.Event> progress =
                events.stream().filter(event -> event.kind().equals("progress")).toList();
        assertThat(progress.stream()
                        .map(event -> event.data().path("stage").stringValue())
                        .distinct())
                .containsExactly("LOADING", "RANKING", "ALLOCATING", "PRUNING", "EVALUATING", "EXPORTING");
        assertThat(progress)
                .extracting(event -> event.data().path("fraction").doubleValue())
                .isSorted();
        assertThat(Api.state(api.job(id))).isEqualTo("SUCCEEDED");
    }

    @Test
    void eventsResumeBehindTheLastOneThatWasSeen() {
        String id = api.submit(Requests.tiny("life/resumed"));
        api.awaitEnd(id, "SUCCEEDED");
        List<EventStream.Event> all =
                EventStream.parse(api.get("/jobs/" + id + "/events").body());

        for (int seen : List.of(0, 3, all.size() - 2)) {
            HttpResponse<String> rest = api.get(
                    "/jobs/" + id + "/events",
                    "Last-Event-ID",
                    Long.toString(all.get(seen).id()));
            assertThat(EventStream.parse(rest.body())).isEqualTo(all.subList(seen + 1, all.size()));
        }
        HttpResponse<String> nothing = api.get(
                "/jobs/" + id + "/events",
                "Last-Event-ID",
                Long.toString(all.getLast().id()));
        assertThat(nothing.statusCode()).isEqualTo(204); // the browser's EventSource stops reconnecting
        assertThat(EventStream.parse(api.get("/jobs/" + id + "/events", "Last-Event-ID", "not ours")
                        .body()))
                .isEqualTo(all);
    }

    @Test
    void eventsOfAnUnknownJobAreAProblem() {
        Api.problem(
                api.get("/jobs/" + UUID.randomUUID() + "/events", "Accept", "text/event-stream"),
                404,
                ErrorCode.JOB_NOT_FOUND);
    }

    private static Instant time(JsonNode job, String field) {
        return Instant.parse(job.path(field).stringValue());
    }
}
