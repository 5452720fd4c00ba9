package io.mosaic.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.engine.checkpoint.SafetensorsReader;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.fixture.RawSafetensors;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** model.safetensors: whatever it holds, and what is believed of it is there. */
@Timeout(60)
class SafetensorsFuzzTests {
    private static final Reading READING = new Reading(1 << 20);
    private static final Inputs INPUTS = Inputs.of(SafetensorsFuzzTests.class);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @BeforeAll
    static void validIsRead() throws Throwable {
        Reading.valid(INPUTS, SafetensorsFuzzTests::read);
    }

    @FuzzTest
    void readOrRefused(byte[] file) {
        READING.check(file, SafetensorsFuzzTests::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        INPUTS.mutate(2000, this::readOrRefused);
    }

    private static void read(byte[] file) {
        try (SafetensorsReader reader = SafetensorsReader.open(RawSafetensors.write(folder, file))) {
            for (TensorInfo tensor : reader.tensors().values()) {
                float[] values = new float[Math.toIntExact(tensor.elements())];
                reader.read(tensor, 0, values, 0, values.length);
            }
        }
    }
}
