package io.mosaic.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.RawSafetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** model.safetensors.index.json beside a sound config.json and two sound shards. */
@Timeout(60)
class ShardIndexFuzzTests {
    private static final Reading READING = new Reading(1 << 20);
    private static final Inputs INPUTS = Inputs.of(ShardIndexFuzzTests.class);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @BeforeAll
    static void validIsRead() throws Throwable {
        Files.write(
                folder.resolve("config.json"), Inputs.of(ConfigFuzzTests.class).file("valid"));
        for (String name : new String[] {"a", "b"}) {
            Files.write(
                    folder.resolve(name + ".safetensors"),
                    RawSafetensors.of(
                            "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8));
        }
        Reading.valid(INPUTS, ShardIndexFuzzTests::read);
    }

    @FuzzTest
    void readOrRefused(byte[] file) {
        READING.check(file, ShardIndexFuzzTests::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        INPUTS.mutate(2000, this::readOrRefused);
    }

    private static void read(byte[] file) throws IOException {
        Files.write(folder.resolve(Checkpoints.INDEX), file);
        Checkpoint.open(folder).close();
    }
}
