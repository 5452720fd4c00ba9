package io.mosaic.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.server.model.ModelId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Model ids: whatever a client calls a model, its folder is in the store, two steps down and not hidden. */
@Timeout(60)
class ModelIdFuzzTests {
    private static final Reading READING = new Reading(1 << 20);
    private static final Path STORE = Path.of("/store/models");

    @FuzzTest
    void readOrRefused(byte[] id) {
        READING.check(id, ModelIdFuzzTests::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        Inputs.of(ModelIdFuzzTests.class).mutate(10_000, this::readOrRefused);
    }

    private static void read(byte[] bytes) {
        ModelId.parse(new String(bytes, StandardCharsets.UTF_8)).ifPresent(ModelIdFuzzTests::assertInside);
    }

    private static void assertInside(ModelId id) {
        Path folder = STORE.resolve(id.namespace()).resolve(id.name());
        assertThat(folder).isEqualTo(folder.normalize()).startsWithRaw(STORE);
        assertThat(folder.getNameCount()).isEqualTo(STORE.getNameCount() + 2);
        assertThat(id.namespace()).isASCII().doesNotStartWith(".").hasSizeLessThanOrEqualTo(96);
        assertThat(id.name()).isASCII().doesNotStartWith(".").hasSizeLessThanOrEqualTo(96);
        assertThat(ModelId.parse(id.toString())).hasValue(id);
    }
}
