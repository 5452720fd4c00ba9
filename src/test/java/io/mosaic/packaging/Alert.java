package io.mosaic.packaging;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.mosaic.fixture.Project;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** A rule of src/ops/alerts.yml, whose fields are all that there may be. */
record Alert(
        String alert,
        String expr,
        @JsonProperty("for") Optional<String> lasting,
        Map<String, String> labels,
        Map<String, String> annotations) {
    record File(List<Group> groups) {}

    record Group(String name, List<Alert> rules) {}

    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .build();

    static List<Alert> all() {
        return STRICT.convertValue(Project.yaml("src/ops/alerts.yml").getFirst(), File.class).groups().stream()
                .flatMap(group -> group.rules().stream())
                .toList();
    }
}
