package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mosaic.fixture.Project;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** docker-compose.yml: what it names exists, does not move, and is open to nobody else. */
class ComposeTests {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([^}]*)}");

    private final Compose compose = Compose.read();

    @ParameterizedTest
    @ValueSource(strings = {"prots", "cap_dorp"})
    void misspeltFieldsAreRefused(String field) {
        Map<String, Object> document = Project.yaml("docker-compose.yml").getFirst();
        Project.map(Project.map(document.get("services")).get("grafana")).put(field, List.of());

        assertThatThrownBy(() -> Compose.of(document)).hasMessageContaining(field);
    }

    @Test
    void everyImageIsPinnedOrBuiltHere() {
        compose.services().forEach((name, service) -> {
            String image = service.image().orElseThrow();
            Images.assertPinned(image);
            service.build().ifPresent(build -> {
                assertThat(image).isEqualTo(Images.ours(name));
                assertThat(build.context()).isEqualTo(".");
                assertThat(Project.text("Dockerfile")).contains("\nFROM runtime AS " + build.target() + "\n");
                assertThat(build.additionalContexts().keySet())
                        .allSatisfy(context ->
                                assertThat(Project.text("Dockerfile")).contains("COPY --from=" + context + " "));
            });
        });
        assertThat(compose.services()).containsOnlyKeys("database", "mosaic", "mosaic-gpu", "prometheus", "grafana");
    }

    @Test
    void profilesChooseTheDeviceAndWhetherItIsWatched() {
        assertThat(compose.services().values().stream()
                        .flatMap(service -> service.profiles().stream())
                        .collect(Collectors.toSet()))
                .containsExactlyInAnyOrder("cpu", "gpu", "observability");
        assertThat(service("database").profiles()).isEmpty();
        assertThat(service("mosaic").profiles()).containsExactly("cpu");
        assertThat(service("mosaic-gpu").profiles()).containsExactly("gpu");

        assertThat(Project.text(".env").lines().filter(line -> !line.startsWith("#")))
                .as("a plain docker compose up; no key lies beside it")
                .containsExactly("COMPOSE_PROFILES=cpu,observability");
    }

    @Test
    void everyMountAndEveryVolumeExists() {
        Set<String> used = new TreeSet<>();
        compose.services()
                .forEach((name, service) -> service.volumes().forEach(mount -> {
                    String source = mount.split(":")[0];
                    if (source.startsWith("./")) {
                        assertThat(Files.exists(Path.of(source))).as(source).isTrue();
                        assertThat(mount).endsWith(":ro");
                    } else {
                        used.add(source);
                    }
                }));
        assertThat(used).isEqualTo(compose.volumes().keySet());
    }

    @Test
    void everyPortIsOnLoopback() {
        assertThat(compose.services().values())
                .flatExtracting(Compose.Service::ports)
                .isNotEmpty()
                .allMatch(port -> ("" + port).matches("127\\.0\\.0\\.1:\\d+:\\d+"));
        assertThat(service("database").ports()).isEmpty();
    }

    @Test
    void everyContainerIsConfined() {
        compose.services().forEach((name, service) -> {
            assertThat(service.readOnly()).as(name).isTrue();
            assertThat(service.capDrop()).as(name).containsExactly("ALL");
            assertThat(service.securityOpt()).as(name).containsExactly("no-new-privileges:true");
        });
        assertThat(service("mosaic").tmpfs()).contains("/tmp");
    }

    @Test
    void servicesWaitForOnesThatTellWhetherTheyAreHealthy() {
        compose.services()
                .forEach((name, service) -> service.dependsOn().forEach((other, dependency) -> {
                    assertThat(dependency.condition()).isEqualTo(Compose.Condition.service_healthy);
                    assertThat(service(other).healthcheck()).isPresent();
                    assertThat(service(other).profiles()).isEmpty();
                }));
        assertThat(service("mosaic").dependsOn()).containsKey("database");
        assertThat(service("mosaic").environment())
                .containsEntry("SPRING_DATASOURCE_URL", "jdbc:postgresql://database:5432/mosaic");
    }

    @Test
    void serviceIsGivenTheTimeThatItTakesToStop() {
        // two phases, of 30 s each: jobs, then requests
        assertThat(service("mosaic").stopGracePeriod().orElseThrow()).matches("(6[1-9]|[789]\\d)s");
        assertThat(service("mosaic-gpu").stopGracePeriod())
                .isEqualTo(service("mosaic").stopGracePeriod());
    }

    @Test
    void onlyTheOneWhoStartsItKnowsTheKey() {
        for (String name : List.of("mosaic", "mosaic-gpu")) {
            assertThat(service(name).environment().get("MOSAIC_SECURITY_BOOTSTRAP_KEY"))
                    .matches("\\$\\{MOSAIC_API_KEY:\\?[^}]+}");
        }
        assertThat(service("mosaic-gpu").environment())
                .isEqualTo(service("mosaic").environment());
    }

    @Test
    void everyVariableIsRequiredOrHasADefault() {
        assertThat(VARIABLE.matcher(Project.text("docker-compose.yml"))
                        .results()
                        .map(MatchResult::group))
                .isNotEmpty()
                .allMatch(variable -> variable.matches("\\$\\{[A-Z_]+:[?-][^}]+}"));
    }

    @Test
    void gpuIsReservedAndItsLibrariesHaveRoom() {
        Compose.Service gpu = service("mosaic-gpu");
        assertThat(gpu.deploy().orElseThrow().resources().reservations().devices())
                .containsExactly(new Compose.Device("nvidia", 1, List.of("gpu")));
        assertThat(gpu.tmpfs()).contains("/natives:exec");
        assertThat(Project.text("Dockerfile")).contains("ENGINE_CACHE_DIR=/natives ");
    }

    @Test
    void prometheusFindsTheServiceUnderBothProfiles() {
        assertThat(Project.text("src/ops/prometheus.yml")).contains("\"mosaic:8080\"");
        assertThat(compose.services()).containsKey("mosaic");
        assertThat(Objects.requireNonNull(service("mosaic-gpu").networks().get("default"))
                        .aliases())
                .containsExactly("mosaic");
    }

    private Compose.Service service(String name) {
        return Objects.requireNonNull(compose.services().get(name), name);
    }
}
