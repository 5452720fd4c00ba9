package io.mosaic.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a process says of the machine that its results depend on. */
class TorchEngineTests {
    private static final String MARK = "platform: ";

    /** Sums are split over threads: results of another number of them must not pass for the same. */
    @Test
    void processesWithOtherThreadsAreOtherPlatforms() throws Exception {
        List<String> platforms = Stream.of("1", "2").map(this::platform).toList();

        assertThat(platforms.get(0)).endsWith(" 1 threads");
        assertThat(platforms.get(1)).endsWith(" 2 threads");
    }

    @Test
    void threadsAreThoseThatTheContainerGrants() throws Exception {
        assertThat(run(Optional.empty(), "-XX:ActiveProcessorCount=1")).endsWith(" 1 threads");
    }

    private String platform(String threads) {
        try {
            return run(Optional.of(threads), "-XX:ActiveProcessorCount=3");
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String run(Optional<String> threads, String option) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        option,
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        TorchEngineTests.class.getName())
                .redirectErrorStream(true);
        builder.environment().remove("OMP_NUM_THREADS");
        threads.ifPresent(number -> builder.environment().put("OMP_NUM_THREADS", number));
        Process process = builder.start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(output).isZero();
            return output.lines()
                    .filter(line -> line.startsWith(MARK))
                    .findFirst()
                    .orElseThrow();
        } finally {
            process.destroyForcibly();
        }
    }

    /** The process that is asked. */
    public static void main(String[] args) {
        System.out.println(MARK + TorchEngine.platform(Device.cpu()));
    }
}
