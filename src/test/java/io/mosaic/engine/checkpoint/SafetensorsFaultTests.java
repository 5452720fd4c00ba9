package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.RawSafetensors;
import io.mosaic.fixture.Refusals;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that lie about their tensors are refused before a byte of data is believed. */
class SafetensorsFaultTests {
    private static final String TWO_FLOATS = "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}";

    @TempDir
    Path temp;

    /** Header (with ' for "), bytes of data, what the message names. */
    static Stream<Arguments> faultyHeaders() {
        return Stream.of(
                fault("", 0, "not a JSON object"),
                fault("[]", 0, "not a JSON object"),
                fault("null", 0, "not a JSON object"),
                fault("{", 0, "not valid JSON", "line 1"),
                fault("{'a':}", 0, "not valid JSON", "line 1, column 6"),
                fault("{} {}", 0, "not valid JSON"),
                fault("{'a':1}", 0, "'a'", "not an object"),
                fault("{'__metadata__':1}", 0, "__metadata__", "not an object"),
                fault("{'__metadata__':{'step':7}}", 0, "__metadata__", "'step'", "not a string"),
                // the same name twice
                fault(
                        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
                                + "'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}",
                        8,
                        "not valid JSON",
                        "Duplicate",
                        "\"a\""),
                fault("{'a':{'dtype':'F32','dtype':'F16','shape':[1],'data_offsets':[0,4]}}", 4, "Duplicate", "dtype"),
                // entries
                fault("{'a':{'dtype':'F32','shape':[1]}}", 4, "'a'", "data_offsets"),
                fault("{'a':{'dtype':'F32','data_offsets':[0,4]}}", 4, "'a'", "shape"),
                fault("{'a':{'dtype':'F32','shape':1,'data_offsets':[0,4]}}", 4, "'a'", "shape"),
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}", 4, "'a'", "1 data_offsets", "expected 2"),
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4,8]}}", 8, "'a'", "3 data_offsets"),
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'zip':1}}", 4, "'a'", "unknown", "'zip'"),
                // numbers
                fault("{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}}", 4, "'a'", "shape", "'-1'"),
                fault("{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,4]}}", 4, "'a'", "shape", "'1.5'"),
                fault("{'a':{'dtype':'F32','shape':['1'],'data_offsets':[0,4]}}", 4, "'a'", "shape", "\"1\""),
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[-4,0]}}", 4, "'a'", "data_offsets", "'-4'"),
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4.0]}}", 4, "'a'", "data_offsets", "'4.0'"),
                fault("{'a':{'dtype':'F32','shape':[9223372036854775808],'data_offsets':[0,4]}}", 4, "'a'", "shape"),
                fault("{'a':{'dtype':'F32','shape':[" + "9".repeat(2000) + "],'data_offsets':[0,4]}}", 4, "not valid"),
                // sizes
                fault("{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}", 8, "'a'", "[3]", "needs 12", "has 8"),
                fault("{'a':{'dtype':'F16','shape':[2],'data_offsets':[0,8]}}", 8, "'a'", "F16", "needs 4", "has 8"),
                fault("{'a':{'dtype':'F32','shape':[2,2],'data_offsets':[0,8]}}", 8, "'a'", "[2, 2]", "needs 16"),
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}}", 4, "'a'", "ends at 0", "begins at 4"),
                fault(
                        "{'a':{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,0]}}",
                        0,
                        "'a'",
                        "4611686018427387904",
                        "overflows"),
                fault(
                        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}}",
                        0,
                        "'a'",
                        "overflows"),
                fault(
                        "{'a':{'dtype':'F32','shape':[1,1,1,1,1,1,1,1,1],'data_offsets':[0,4]}}",
                        4,
                        "9 dim",
                        "limit is 8"),
                // placement
                fault("{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}", 8, "a", "begins at 4", "expected 0"),
                fault(two(0, 4, 8, 12), 12, "b", "begins at 8", "expected 4", "gap or overlap"),
                fault(two(0, 8, 4, 8), 8, "b", "begins at 4", "expected 8", "gap or overlap"),
                fault(two(0, 4, 0, 4), 4, "b", "begins at 0", "expected 4"),
                fault(TWO_FLOATS, 0, "take 8 bytes", "holds 0"),
                fault(TWO_FLOATS, 7, "take 8 bytes", "holds 7"),
                fault(TWO_FLOATS, 9, "take 8 bytes", "holds 9"),
                fault("{}", 1, "take 0 bytes", "holds 1"),
                fault("{'a':{'dtype':'F32','shape':[0],'data_offsets':[8,8]}}", 8, "a", "begins at 8", "expected 0"),
                // names
                fault("{'" + "x".repeat(600) + "':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", 4, "600", "512"),
                fault(
                        "{'" + "x".repeat(60_000) + "':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}",
                        4,
                        "not valid"),
                fault("{'a\\u0007':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", 4, "'a?'", "control"));
    }

    private static Arguments fault(String header, int dataBytes, String... parts) {
        return Arguments.of(header.replace('\'', '"'), dataBytes, parts);
    }

    private static String two(int a, int aEnd, int b, int bEnd) {
        String entry = "'%s':{'dtype':'F32','shape':[%d],'data_offsets':[%d,%d]}";
        return "{" + entry.formatted("a", (aEnd - a) / 4, a, aEnd) + "," + entry.formatted("b", (bEnd - b) / 4, b, bEnd)
                + "}";
    }

    @ParameterizedTest
    @MethodSource("faultyHeaders")
    void faultyHeaderIsRefused(String header, int dataBytes, String... parts) {
        refused(RawSafetensors.of(header, dataBytes), parts);
    }

    @ParameterizedTest
    @ValueSource(strings = {"I64", "F64", "F8_E4M3", "U8", "BOOL", "f32", "", "F32 "})
    void unknownNumberFormatIsRefusedWithThoseThatAreRead(String dtype) {
        Path file = file(
                RawSafetensors.of(TWO_FLOATS.replace("'F32'", "'" + dtype + "'").replace('\'', '"'), 8));
        Refusals.refused(
                ErrorCode.TENSOR_DTYPE,
                () -> SafetensorsReader.open(file),
                "model.safetensors",
                "'a'",
                '"' + dtype + '"',
                "F32, F16, BF16");
    }

    @Test
    void headerThatNestsDeepIsRefused() {
        refused(RawSafetensors.of("{\"a\":" + "[".repeat(100_000), 0), "not valid JSON", "depth");
        refused(RawSafetensors.of("{\"a\":" + "{\"a\":".repeat(100_000), 0), "not valid JSON", "depth");
    }

    @Test
    void headerThatIsNotUtf8IsRefused() {
        byte[] header = "{\"\u00e9\":{}}".getBytes(StandardCharsets.ISO_8859_1);
        refused(RawSafetensors.of(header.length, header, new byte[0]), "not UTF-8");
        // an overlong slash
        byte[] overlong = {'{', '"', (byte) 0xc0, (byte) 0xaf, '"', ':', '1', '}'};
        refused(RawSafetensors.of(overlong.length, overlong, new byte[0]), "not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7})
    void fileShorterThanItsLengthFieldIsRefused(int bytes) {
        refused(new byte[bytes], bytes + " bytes", "too short");
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 1 << 25, (1 << 25) + 1, Long.MAX_VALUE, Long.MIN_VALUE, -1})
    void headerLengthPastTheEndOrTheLimitIsRefused(long claimed) {
        refused(
                RawSafetensors.of(claimed, new byte[] {'{', '}'}, new byte[0]),
                Long.toUnsignedString(claimed),
                "10 bytes",
                "33554432");
    }

    @Test
    void everyTruncationOfAFileIsRefused() {
        byte[] whole = RawSafetensors.of(two(0, 4, 4, 8).replace('\'', '"'), 8);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            refused(cut);
        }
    }

    @Test
    void oddButLegalFilesAreRead() {
        // out of order in the header, spaces behind it, a scalar, an empty tensor, metadata
        String header = """
                {"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"__metadata__":{"format":"pt"},
                 "none":{"data_offsets":[4,4],"shape":[0,7],"dtype":"F16"},
                 "a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]}}     """;
        try (SafetensorsReader reader = SafetensorsReader.open(file(RawSafetensors.of(header, 8)))) {
            assertThat(reader.tensors().values())
                    .containsExactly(
                            new TensorInfo("a", DType.BF16, List.of(2L, 1L), 0, 4),
                            new TensorInfo("none", DType.F16, List.of(0L, 7L), 4, 0),
                            new TensorInfo("b", DType.F32, List.of(), 4, 4));
        }
    }

    @Test
    void fileWithoutTensorsIsRead() {
        try (SafetensorsReader reader = SafetensorsReader.open(file(RawSafetensors.of("{}", 0)))) {
            assertThat(reader.tensors()).isEmpty();
        }
    }

    private Path file(byte[] bytes) {
        return RawSafetensors.write(temp, bytes);
    }

    private void refused(byte[] bytes, String... parts) {
        Path file = file(bytes);
        Refusals.refused(ErrorCode.SAFETENSORS_INVALID, () -> SafetensorsReader.open(file), parts);
        Refusals.refused(ErrorCode.SAFETENSORS_INVALID, () -> SafetensorsReader.open(file), "model.safetensors: ");
    }
}
