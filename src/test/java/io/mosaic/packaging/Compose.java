package io.mosaic.packaging;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import io.mosaic.fixture.Project;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** The part of the Compose specification that docker-compose.yml uses; a field beyond it is refused. */
record Compose(Map<String, Service> services, Map<String, Object> volumes) {
    record Service(
            Optional<String> image,
            Optional<Build> build,
            Optional<String> user,
            List<String> profiles,
            Map<String, Dependency> dependsOn,
            Map<String, String> environment,
            Optional<Healthcheck> healthcheck,
            List<String> ports,
            boolean readOnly,
            List<String> tmpfs,
            List<String> volumes,
            List<String> capDrop,
            List<String> securityOpt,
            Optional<String> stopGracePeriod,
            Optional<Deploy> deploy,
            Map<String, Network> networks) {}

    record Build(String context, String target, Map<String, String> additionalContexts) {}

    record Dependency(Condition condition) {}

    enum Condition {
        service_started,
        service_healthy,
        service_completed_successfully
    }

    record Healthcheck(List<String> test, String interval, String timeout, int retries) {}

    record Deploy(Resources resources) {}

    record Resources(Reservations reservations) {}

    record Reservations(List<Device> devices) {}

    record Device(String driver, int count, List<String> capabilities) {}

    record Network(List<String> aliases) {}

    private static final JsonMapper STRICT = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .withConfigOverride(
                    List.class, list -> list.setNullHandling(JsonSetter.Value.forValueNulls(Nulls.AS_EMPTY)))
            .withConfigOverride(Map.class, map -> map.setNullHandling(JsonSetter.Value.forValueNulls(Nulls.AS_EMPTY)))
            .build();

    static Compose read() {
        return of(Project.yaml("docker-compose.yml").getFirst());
    }

    static Compose of(Map<String, Object> document) {
        // what YAML repeats by reference
        document.keySet().removeIf(key -> key.startsWith("x-"));
        return STRICT.convertValue(document, Compose.class);
    }
}
