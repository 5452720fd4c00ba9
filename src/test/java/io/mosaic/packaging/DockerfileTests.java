package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Project;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The Dockerfile: what it names exists, does not move, and what it delivers does not run as root. */
class DockerfileTests {
    private static final List<Instruction> INSTRUCTIONS = Project.text("Dockerfile")
            .replaceAll("\\\\\n", " ")
            .lines()
            .filter(line -> !line.startsWith("#") && !line.isBlank())
            .map(Instruction::of)
            .toList();

    private record Instruction(String name, String arguments) {
        static Instruction of(String line) {
            String[] parts = line.split("\\s+", 2);
            return new Instruction(parts[0], parts[1].trim());
        }

        List<String> words() {
            return List.of(arguments.split("\\s+"));
        }
    }

    @Test
    void everyInstructionIsKnown() {
        assertThat(INSTRUCTIONS)
                .extracting(Instruction::name)
                .as("ADD unpacks and downloads; COPY does what it says")
                .isSubsetOf(
                        "FROM",
                        "WORKDIR",
                        "COPY",
                        "RUN",
                        "ENV",
                        "EXPOSE",
                        "VOLUME",
                        "HEALTHCHECK",
                        "ENTRYPOINT",
                        "USER");
    }

    @Test
    void everyStageComesFromAPinnedImageOrAnEarlierStage() {
        Set<String> stages = new HashSet<>();
        for (Instruction from : all("FROM")) {
            List<String> words = from.words();
            if (!stages.contains(words.getFirst())) {
                Images.assertPinned(words.getFirst());
            }
            assertThat(words.get(1)).isEqualTo("AS");
            assertThat(stages.add(words.get(2))).as(words.get(2)).isTrue();
        }
        assertThat(stages).containsExactlyInAnyOrder("build", "runtime", "gpu", "cpu");
        assertThat(all("FROM").getLast().arguments()).as("the default").endsWith(" AS cpu");
    }

    @Test
    void everyCopiedFileExistsAndIsNotIgnored() {
        List<String> allowed = Project.text(".dockerignore")
                .lines()
                .filter(line -> line.startsWith("!"))
                .map(line -> line.substring(1))
                .toList();
        List<String> sources = new ArrayList<>();
        for (Instruction copy : all("COPY")) {
            List<String> words = copy.words();
            if (words.getFirst().startsWith("--from=")) {
                // libtorch is a build context, which the one who builds gives
                assertThat(words.getFirst().substring("--from=".length())).isIn("build", "libtorch");
            } else {
                sources.addAll(words.subList(0, words.size() - 1));
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

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "gpu"})
    void everyImageThatIsDeliveredEndsAsTheUserOfTheService(String stage) {
        assertThat(stage(stage))
                .filteredOn(instruction -> instruction.name().equals("USER"))
                .extracting(Instruction::arguments)
                .containsExactly("mosaic");
        assertThat(stage("runtime"))
                .anyMatch(run ->
                        run.name().equals("RUN") && run.arguments().matches(".*useradd .*--uid \\d+ .*mosaic.*"));
    }

    @Test
    void processIsStartedAndCheckedWithoutAShellAround() {
        assertThat(all("ENTRYPOINT")).singleElement().satisfies(start -> {
            String[] words = JsonMapper.shared().readValue(start.arguments(), String[].class);
            assertThat(words[words.length - 1])
                    .as("signals reach the process itself")
                    .startsWith("exec java ");
        });
        assertThat(all("HEALTHCHECK")).singleElement().satisfies(check -> {
            String command = check.arguments().replaceFirst("^.*? CMD ", "");
            assertThat(JsonMapper.shared().readValue(command, String[].class))
                    .containsExactly("/app/http-ok", "/actuator/health/readiness");
        });
        assertThat(Project.path("src/ops/docker/http-ok")).exists();
    }

    @Test
    void commandsAreOnesThatABuildMayRepeat() {
        for (Instruction run : all("RUN")) {
            for (String command : run.arguments().split("&&|;")) {
                assertThat(command.trim())
                        .as("WORKDIR instead of cd, USER instead of sudo, pipes hide what fails")
                        .doesNotStartWith("cd ")
                        .doesNotContain("sudo ", "|", "curl ", "wget ");
                if (command.contains("apt-get install")) {
                    assertThat(command).contains("--no-install-recommends", " -y");
                    assertThat(run.arguments()).contains("rm -rf /var/lib/apt/lists");
                }
            }
        }
        assertThat(all("WORKDIR")).allMatch(directory -> directory.arguments().startsWith("/"));
        assertThat(all("EXPOSE"))
                .extracting(Instruction::arguments)
                .containsExactly(port("src/main/resources/application.yml"));
    }

    @Test
    void serviceIsBuiltByThisJdkAndForIt() {
        String version = "25";
        assertThat(Project.text("pom.xml")).contains("<java.version>" + version + "</java.version>");
        assertThat(all("FROM")).anyMatch(from -> from.arguments().contains("eclipse-temurin:" + version + "-jre"));
        assertThat(all("FROM")).anyMatch(from -> from.arguments().contains("eclipse-temurin-" + version + " "));
    }

    @Test
    void trainingRunNeedsNoKey() {
        assertThat(all("ENV")).anyMatch(env -> env.words().contains("SERVER_ADDRESS=0.0.0.0"));
        assertThat(Project.text("src/ops/docker/train")).contains(" --server.address=127.0.0.1 ");
    }

    private static String port(String file) {
        return "" + Project.map(Project.yaml(file).getFirst().get("server")).get("port");
    }

    private static List<Instruction> all(String name) {
        return INSTRUCTIONS.stream()
                .filter(instruction -> instruction.name().equals(name))
                .toList();
    }

    /** What stands between the stage's FROM and the next. */
    private static List<Instruction> stage(String name) {
        int from = INSTRUCTIONS.indexOf(all("FROM").stream()
                .filter(instruction -> instruction.arguments().endsWith(" AS " + name))
                .findFirst()
                .orElseThrow());
        return INSTRUCTIONS.subList(from + 1, INSTRUCTIONS.size()).stream()
                .takeWhile(instruction -> !instruction.name().equals("FROM"))
                .toList();
    }
}
