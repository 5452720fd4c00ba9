package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.Safetensors;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TinyModel;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a job reports as removed is what a stranger counts in the file that the service hands out. */
@ServerTest
class RemovedShareTests {
    private final Api api;

    RemovedShareTests(Api api) {
        this.api = api;
    }

    @ParameterizedTest
    @CsvSource({
        "unstructured, magnitude, unstructured, 0.37",
        "unstructured, wanda, unstructured, 0.5",
        "unstructured, sparsegpt, unstructured, 0.73",
        "unstructured, wanda, 2:4, 0.5",
        "unstructured, sparsegpt, 4:8, 0.5",
        "structured, , , 0.5",
        "composite, wanda, unstructured, 0.5",
        "composite, sparsegpt, unstructured, 0.61"
    })
    void downloadHoldsTheReportedShare(String category, String method, String pattern, double sparsity) {
        String output = String.join("-", "share/" + category, method, pattern, "" + sparsity)
                .replace(':', '_');
        ObjectNode request = Requests.tiny(output).put("category", category).put("sparsity", sparsity);
        if (method != null) {
            request.put("method", method).put("pattern", pattern);
        }
        String id = api.submit(request);
        api.awaitEnd(id, "SUCCEEDED");
        JsonNode report = api.json("/jobs/" + id + "/report").path("sparsity");

        Map<String, Safetensors.Tensor> tensors = Safetensors.read(
                api.download("/models/" + output + "/files/model.safetensors").body());

        long left = 0;
        long zeros = 0;
        for (JsonNode projection : report.path("projections")) {
            Safetensors.Tensor tensor = Objects.requireNonNull(tensors.get(tensor(projection)));
            assertThat(tensor.shape())
                    .containsExactly(
                            projection.path("shapeAfter").path(0).longValue(),
                            projection.path("shapeAfter").path(1).longValue());
            long before = projection.path("shapeBefore").path(0).longValue()
                    * projection.path("shapeBefore").path(1).longValue();
            assertThat(projection.path("realised").doubleValue())
                    .isEqualTo((double) (before - tensor.elements() + tensor.zeros()) / before);
            left += tensor.elements();
            zeros += tensor.zeros();
        }
        long removed = TinyModel.prunableParameters() - left;
        assertThat(report.path("removedParameters").longValue()).isEqualTo(removed);
        assertThat(report.path("zeroedParameters").longValue()).isEqualTo(zeros);
        assertThat(report.path("realised").doubleValue())
                .isEqualTo((double) (removed + zeros) / TinyModel.prunableParameters());
        switch (category) {
            case "unstructured" -> assertThat(removed).isZero();
            case "structured" -> assertThat(zeros).isZero();
            default -> assertThat(Math.min(removed, zeros)).isPositive();
        }
        if (!category.equals("structured")) { // which whole heads and channels bind
            assertThat(removed + zeros).isEqualTo(Math.round(sparsity * TinyModel.prunableParameters()));
        }
    }

    private static String tensor(JsonNode projection) {
        String name = projection.path("projection").stringValue();
        String block = name.matches("[qkvo]_proj") ? "self_attn" : "mlp";
        return "model.layers." + projection.path("layer").intValue() + "." + block + "." + name + ".weight";
    }
}
