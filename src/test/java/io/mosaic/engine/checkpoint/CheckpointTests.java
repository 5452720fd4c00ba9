package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.fixture.TinyModel;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole folders: the same tensors whatever the files look like, and weights that are no numbers. */
class CheckpointTests {
    private static final TinyLlama TINY = TinyLlama.of(new LayerShape(20, 6, 3, 4, 7));

    @TempDir
    Path temp;

    @ParameterizedTest
    @EnumSource
    void everyNumberFormatGivesTheSameTensorsRoundedOnce(DType dtype) {
        for (boolean tied : new boolean[] {false, true}) {
            TinyLlama exact = TINY.withTied(tied);
            try (Checkpoint expected = Checkpoint.open(exact.write(temp.resolve("exact" + tied)));
                    Checkpoint stored = Checkpoint.open(exact.with(dtype).write(temp.resolve("stored" + tied)))) {
                assertThat(names(stored)).isEqualTo(names(expected));
                assertThat(stored.tensor(LlamaNames.LM_HEAD).isPresent()).isNotEqualTo(tied);
                assertThat(stored.weightBytes()).isEqualTo(expected.weightBytes() / 4 * dtype.bytes());
                for (TensorInfo tensor : stored.tensors()) {
                    assertThat(tensor.dtype()).isEqualTo(dtype);
                    float[] values = expected.read(tensor.name());
                    for (int i = 0; i < values.length; i++) {
                        values[i] = dtype.round(values[i]);
                    }
                    assertThat(stored.read(tensor.name())).isEqualTo(values);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, 1", "F16, 2", "BF16, 5", "BF16, 21"})
    void shardsGiveTheSameTensorsAsOneFile(DType dtype, int shards) {
        Path single = TINY.with(dtype).write(temp.resolve("single"));
        Path sharded = Checkpoints.sharded(single, temp.resolve("sharded"), shards);
        try (Checkpoint one = Checkpoint.open(single);
                Checkpoint many = Checkpoint.open(sharded)) {
            assertThat(many.weightFiles()).hasSize(shards).doesNotHaveDuplicates();
            assertThat(many.weightBytes()).isEqualTo(one.weightBytes());
            assertThat(names(many)).containsExactlyInAnyOrderElementsOf(names(one));
            for (String name : names(one)) {
                assertThat(many.read(name)).isEqualTo(one.read(name));
                assertThat(many.bytes(name).mismatch(one.bytes(name))).isEqualTo(-1);
            }
        }
    }

    @Test
    void partOfATensorIsReadInItsPlace() {
        try (Checkpoint checkpoint = Checkpoint.open(TINY.with(DType.BF16).write(temp.resolve("model")))) {
            String name = LlamaNames.weight(1, MapRole.GATE);
            float[] whole = checkpoint.read(name);
            float[] part = new float[9];
            checkpoint.read(name, 31, part, 5);
            for (int i = 0; i < part.length; i++) {
                assertThat(part[i]).isEqualTo(i < 5 ? whole[31 + i] : 0f);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void weightThatIsNoNumberIsNamedWithItsIndex(float value) {
        String name = LlamaNames.weight(1, MapRole.UP);
        Path folder = TinyModel.random(1).spoilt(name, 77, value).writeTo(temp.resolve("model"));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Refusals.refused(
                    ErrorCode.TENSOR_NOT_FINITE, () -> checkpoint.read(name), name, String.valueOf(value), "index 77");
            Refusals.refused(
                    ErrorCode.TENSOR_NOT_FINITE, () -> checkpoint.read(name, 70, new float[8], 8), name, "index 77");
            checkpoint.read(name, 70, new float[7], 7);
            assertThat(checkpoint.read(LlamaNames.weight(0, MapRole.UP))).isNotEmpty();
        }
    }

    @Test
    void tensorThatIsNotThereIsNamed() {
        try (Checkpoint checkpoint = Checkpoint.open(TINY.write(temp.resolve("model")))) {
            Refusals.refused(ErrorCode.TENSOR_MISSING, () -> checkpoint.read("model.no.weight"), "model.no.weight");
            Refusals.refused(ErrorCode.TENSOR_MISSING, () -> checkpoint.bytes("model.no.weight"), "model.no.weight");
            assertThat(checkpoint.tensor("model.no.weight")).isEmpty();
        }
    }

    @Test
    void tensorLargerThanAnArrayIsRefusedAndReadInParts() throws IOException {
        Path folder = TINY.write(temp.resolve("model"));
        long rows = 1L << 16;
        Path file = folder.resolve(Checkpoint.SINGLE_FILE);
        assertThat(file.toFile().delete()).isTrue();
        SafetensorsWriter.create(
                        file, List.of(new SafetensorsWriter.Planned("huge", DType.BF16, List.of(rows, rows / 2))))
                .close();
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Refusals.refused(
                    ErrorCode.TENSOR_SHAPE,
                    () -> checkpoint.read("huge"),
                    "huge",
                    "[65536, 32768]",
                    "2147483648 elements",
                    "limit is 2147483639");
            float[] last = {1};
            checkpoint.read("huge", rows * rows / 2 - 1, last, 1);
            assertThat(last).containsExactly(0f);
            assertThat(checkpoint.bytes("huge").get(ValueLayout.JAVA_BYTE, rows * rows - 1))
                    .isZero();
        }
    }

    private static List<String> names(Checkpoint checkpoint) {
        List<String> names = new ArrayList<>();
        checkpoint.tensors().forEach(tensor -> names.add(tensor.name()));
        return names;
    }
}
