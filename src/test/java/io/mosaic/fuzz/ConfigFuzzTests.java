package io.mosaic.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.fixture.RawSafetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** config.json beside weights without a tensor. */
@Timeout(60)
class ConfigFuzzTests {
    private static final Reading READING = new Reading(1 << 20);
    private static final Inputs INPUTS = Inputs.of(ConfigFuzzTests.class);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @BeforeAll
    static void validIsRead() throws Throwable {
        RawSafetensors.write(folder, RawSafetensors.of("{}", 0));
        Reading.valid(INPUTS, ConfigFuzzTests::read);
    }

    @FuzzTest
    void readOrRefused(byte[] file) {
        READING.check(file, ConfigFuzzTests::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        INPUTS.mutate(2000, this::readOrRefused);
    }

    private static void read(byte[] file) throws IOException {
        Files.write(folder.resolve("config.json"), file);
        Checkpoint.open(folder).close();
    }
}
