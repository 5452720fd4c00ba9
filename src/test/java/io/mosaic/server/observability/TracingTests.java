package io.mosaic.server.observability;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TinyModel;
import io.mosaic.server.MosaicHome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** A job's spans, of the request and of the worker, reach a collector as one trace. */
@ServerTest
class TracingTests {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final ByteArrayOutputStream RECEIVED = new ByteArrayOutputStream();
    private static final HttpServer COLLECTOR = collector();

    private final Api api;
    private final MosaicHome home;

    TracingTests(Api api, MosaicHome home) {
        this.api = api;
        this.home = home;
    }

    @DynamicPropertySource
    static void endpoint(DynamicPropertyRegistry registry) {
        registry.add(
                "management.opentelemetry.tracing.export.otlp.endpoint",
                () -> "http://127.0.0.1:" + COLLECTOR.getAddress().getPort() + "/v1/traces");
        registry.add("management.opentelemetry.tracing.export.schedule-delay", () -> "50ms");
    }

    @AfterAll
    static void stop() {
        COLLECTOR.stop(0);
    }

    @Test
    void requestQueueAndWorkerAreOneTrace() {
        HttpResponse<String> submitted =
                api.post("/jobs", Requests.tiny("traced/model"), "traceparent", "00-" + TRACE + "-00f067aa0ba902b7-01");
        api.awaitEnd(Api.json(submitted).path("id").stringValue(), "SUCCEEDED");

        byte[] trace = HexFormat.of().parseHex(TRACE);
        await("the spans").atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            for (String span :
                    new String[] {"http post /jobs", "mosaic.job.submit", "mosaic.job.run", "mosaic.job.stage"}) {
                assertThat(received(trace, span)).as(span).isTrue();
            }
        });
    }

    @Test
    void failedAttemptTellsWhy() {
        TinyModel.random(9)
                .spoilt(LlamaNames.weight(1, MapRole.DOWN), 77, Float.NaN)
                .writeTo(home.models().resolve("traced/spoilt"));

        String id = api.submit(Requests.tiny("traced/from-nan").put("model", "traced/spoilt"));
        String detail = api.awaitEnd(id, "FAILED").path("error").path("detail").stringValue();

        await("the error")
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(() ->
                        assertThat(RECEIVED.toString(StandardCharsets.UTF_8)).contains("exception", detail));
    }

    /** Whether a span of the name and trace has come; both stand near each other in its protocol buffer. */
    private static boolean received(byte[] trace, String name) {
        String all = RECEIVED.toString(StandardCharsets.ISO_8859_1);
        String id = new String(trace, StandardCharsets.ISO_8859_1);
        for (int at = all.indexOf(id); at >= 0; at = all.indexOf(id, at + 1)) {
            if (all.substring(at, Math.min(all.length(), at + 120)).contains(name)) {
                return true;
            }
        }
        return false;
    }

    private static HttpServer collector() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/v1/traces", exchange -> {
                byte[] body = exchange.getRequestBody().readAllBytes();
                synchronized (RECEIVED) {
                    RECEIVED.write(body);
                }
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
