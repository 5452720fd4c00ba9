package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Project;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Dockerfile and docker-compose.yml: what they name exists, does not move, and does not run as root. */
class ContainerTests {
    private static final List<String> DOCKERFILE = Project.text("Dockerfile")
            .replaceAll("\\\\\n", " ")
            .lines()
            .filter(line -> !line.startsWith("#") && !line.isBlank())
            .toList();

    private static final Map<String, Object> COMPOSE =
            Project.yaml("docker-compose.yml").getFirst();

    @Test
    void everyStageComesFromAPinnedImageOrAnEarlierStage() {
        Set<String> stages = new HashSet<>();
        for (String line : instructions("FROM")) {
            String[] words = line.split("\\s+");
            if (!stages.contains(words[1])) {
                Images.assertPinned(words[1]);
            }
            assertThat(words[2]).isEqualTo("AS");
            stages.add(words[3]);
        }
        assertThat(stages).contains("build", "cpu", "gpu");
    }

    @Test
    void everyCopiedFileExistsAndIsNotIgnored() {
        List<String> allowed = Project.text(".dockerignore")
                .lines()
                .filter(line -> line.startsWith("!"))
                .map(line -> line.substring(1))
                .toList();
        List<String> sources = new ArrayList<>();
        for (String line : instructions("COPY")) {
            String[] words = line.split("\\s+");
            if (!words[1].startsWith("--from=")) {
                sources.addAll(Arrays.asList(words).subList(1, words.length - 1));
            }
        }

        assertThat(sources).contains("pom.xml", "src");
        for (String source : sources) {
            assertThat(Project.path(source)).exists();
            assertThat(allowed)
                    .as(source)
                    .anyMatch(
                            entry -> (entry + "/").startsWith(source + "/") || (source + "/").startsWith(entry + "/"));
        }
        assertThat(allowed).allSatisfy(entry -> assertThat(Project.path(entry)).exists());
        assertThat(Project.files("src/ops/docker"))
                .allSatisfy(script -> assertThat(Project.path(script)).isExecutable());
    }

    @Test
    void everyImageThatIsDeliveredEndsAsTheUserOfTheService() {
        for (String stage : List.of("gpu", "cpu")) {
            int from = DOCKERFILE.indexOf("FROM runtime AS " + stage);
            List<String> rest = DOCKERFILE.subList(from + 1, DOCKERFILE.size());
            List<String> own =
                    rest.stream().takeWhile(line -> !line.startsWith("FROM ")).toList();
            assertThat(own.stream().filter(line -> line.startsWith("USER ")).toList())
                    .as(stage)
                    .containsExactly("USER mosaic");
        }
    }

    @Test
    void serviceIsBuiltByThisJdkAndForIt() {
        String version = "25";
        assertThat(Project.text("pom.xml")).contains("<java.version>" + version + "</java.version>");
        assertThat(instructions("FROM")).anyMatch(line -> line.contains("eclipse-temurin:" + version + "-jre"));
        assertThat(instructions("FROM")).anyMatch(line -> line.contains("eclipse-temurin-" + version + " "));
    }

    @Test
    void composeKnowsItsFieldsAndItsImagesArePinned() {
        assertThat(COMPOSE.keySet()).containsExactlyInAnyOrder("services", "volumes");
        services().forEach((name, service) -> {
            assertThat(service.keySet())
                    .as(name)
                    .isSubsetOf(
                            "image",
                            "build",
                            "depends_on",
                            "environment",
                            "healthcheck",
                            "ports",
                            "read_only",
                            "tmpfs",
                            "volumes");
            assertThat(service.containsKey("image")).as(name).isNotEqualTo(service.containsKey("build"));
            if (service.containsKey("image")) {
                Images.assertPinned("" + service.get("image"));
            }
        });
        assertThat(services().keySet()).contains("mosaic", "database", "prometheus", "grafana");
    }

    @Test
    void composeMountsFilesThatExistAndVolumesThatAreDeclared() {
        Set<String> volumes =
                Project.map(Objects.requireNonNull(COMPOSE.get("volumes"))).keySet();
        services().forEach((name, service) -> {
            for (String mount : strings(service, "volumes")) {
                String source = mount.split(":")[0];
                if (source.startsWith("./")) {
                    assertThat(Files.exists(Path.of(source))).as(source).isTrue();
                } else {
                    assertThat(volumes).as(name).contains(source);
                }
            }
        });
    }

    @Test
    void composeListensOnLoopbackOnlyAndWaitsForServicesThatExist() {
        services().forEach((name, service) -> {
            assertThat(strings(service, "ports")).as(name).allMatch(port -> port.startsWith("127.0.0.1:"));
            if (service.containsKey("depends_on")) {
                assertThat(services().keySet())
                        .containsAll(Project.map(Objects.requireNonNull(service.get("depends_on")))
                                .keySet());
            }
        });
        assertThat(Project.text("src/ops/prometheus.yml")).contains("mosaic:8080");
        assertThat("" + Objects.requireNonNull(services().get("mosaic")).get("environment"))
                .contains("jdbc:postgresql://database:5432/");
    }

    private static Map<String, Map<String, Object>> services() {
        Map<String, Map<String, Object>> services = new LinkedHashMap<>();
        Project.map(Objects.requireNonNull(COMPOSE.get("services")))
                .forEach((name, service) -> services.put(name, Project.map(service)));
        return services;
    }

    private static List<String> strings(Map<String, Object> service, String field) {
        return service.get(field) instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
    }

    private static List<String> instructions(String name) {
        return DOCKERFILE.stream().filter(line -> line.startsWith(name + " ")).toList();
    }
}
