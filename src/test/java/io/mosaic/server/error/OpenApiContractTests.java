package io.mosaic.server.error;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What OpenAPI says is what the service does. */
@IdleServerTest
class OpenApiContractTests {
    private final JsonNode contract;

    OpenApiContractTests(Api api) {
        contract = api.json("/v3/api-docs");
    }

    @Test
    void everyOperationSaysWhatItDoesAndHowItFails() {
        assertThat(contract.path("info").path("title").stringValue()).isEqualTo("Mosaic");
        assertThat(contract.path("paths").propertyNames()).doesNotContain("/error");
        contract.path("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(operation -> {
                    String name = operation.getKey() + " " + path.getKey();
                    JsonNode description = operation.getValue();
                    assertThat(description.path("summary").asString(""))
                            .as(name)
                            .isNotBlank();
                    assertThat(description
                                    .path("responses")
                                    .path("default")
                                    .path("content")
                                    .path("application/problem+json")
                                    .path("schema")
                                    .path("$ref")
                                    .asString(""))
                            .as(name)
                            .isEqualTo("#/components/schemas/Problem");
                }));
    }

    @Test
    void problemListsEveryCode() {
        JsonNode codes = schema("Problem").path("properties").path("code").path("enum");
        assertThat(codes.valueStream().map(JsonNode::stringValue))
                .containsExactlyElementsOf(
                        Stream.of(ErrorCode.values()).map(Enum::name).toList());
    }

    @Test
    void submissionIsAcceptedWith202() {
        assertThat(contract.path("paths")
                        .path("/jobs")
                        .path("post")
                        .path("responses")
                        .propertyNames())
                .contains("202", "200", "default");
    }

    @Test
    void numbersOfARequestAreNumbers() {
        JsonNode fields = schema("JobRequest").path("properties");
        for (String field : List.of("alignment", "dropLayers")) {
            assertThat(fields.path(field).path("type").asString("")).as(field).isEqualTo("integer");
        }
        for (String field : List.of("searchBudget", "lambda", "outlierThreshold")) {
            assertThat(fields.path(field).path("type").asString("")).as(field).isEqualTo("number");
            assertThat(fields.path(field).path("default").isNumber()).as(field).isTrue();
        }
        assertThat(fields.path("trueSequential").path("type").asString("")).isEqualTo("boolean");
        assertThat(schema("JobRequest").path("required").valueStream().map(JsonNode::stringValue))
                .containsExactlyInAnyOrder("model", "sparsity");
    }

    @Test
    void callbackOfAJobAndItsDeliveriesAreDescribed() {
        JsonNode callback = schema("JobRequest").path("properties").path("callbackUrl");
        assertThat(callback.path("type").asString("")).isEqualTo("string");
        assertThat(callback.path("maxLength").intValue()).isEqualTo(2000);
        assertThat(callback.path("description").asString("")).contains("CloudEvents", "Mosaic-Signature");
        assertThat(schema("DeliveryView").path("properties").propertyNames())
                .contains("state", "attempts", "lastStatus", "lastError", "nextAttemptAt");
        assertThat(contract.path("paths").path("/jobs/{id}/deliveries").has("get"))
                .isTrue();
    }

    private JsonNode schema(String name) {
        JsonNode schema = contract.path("components").path("schemas").path(name);
        assertThat(schema.isObject()).as(name).isTrue();
        return schema;
    }
}
