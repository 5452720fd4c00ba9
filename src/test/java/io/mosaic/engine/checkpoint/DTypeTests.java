package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Half formats against the plain definition of their bits, all 65,536 of them. */
class DTypeTests {
    /** Sign, exponent and fraction put together by arithmetic. */
    private static double value(DType dtype, int bits) {
        int fractionBits = dtype == DType.F16 ? 10 : 7;
        int bias = dtype == DType.F16 ? 15 : 127;
        int exponent = (bits & 0x7fff) >> fractionBits;
        int fraction = bits & ((1 << fractionBits) - 1);
        double sign = (bits & 0x8000) == 0 ? 1 : -1;
        if (exponent == 2 * bias + 1) {
            return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
        }
        double significand = fraction * Math.pow(2, -fractionBits) + (exponent == 0 ? 0 : 1);
        return sign * significand * Math.pow(2, Math.max(exponent, 1) - bias);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everyBitPatternIsReadAsDefinedAndWrittenBack(DType dtype) {
        byte[] stored = new byte[2 << 16];
        for (int bits = 0; bits < 1 << 16; bits++) {
            stored[2 * bits] = (byte) bits;
            stored[2 * bits + 1] = (byte) (bits >> 8);
        }
        float[] values = new float[1 << 16];
        dtype.widen(MemorySegment.ofArray(stored), values, 0, values.length);
        byte[] written = new byte[stored.length];
        dtype.narrow(values, 0, MemorySegment.ofArray(written), values.length);
        for (int bits = 0; bits < values.length; bits++) {
            assertThat((double) values[bits]).as("bits %04x", bits).isEqualTo((Double)
                    value(dtype, bits)); // boxed: NaN equals NaN, and -0 differs from 0
            if (!Float.isNaN(values[bits])) { // a NaN may change its payload
                assertThat(Arrays.copyOfRange(written, 2 * bits, 2 * bits + 2))
                        .as("bits %04x", bits)
                        .isEqualTo(Arrays.copyOfRange(stored, 2 * bits, 2 * bits + 2));
                assertThat(dtype.round(values[bits])).isEqualTo(values[bits]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void valuesBetweenTwoAreRoundedToTheNearerAndTiesToEven(DType dtype) {
        Random random = new Random(4);
        int infinity = dtype == DType.F16 ? 0x7c00 : 0x7f80;
        for (int i = 0; i < 20_000; i++) {
            int below = random.nextInt(infinity - 1);
            double low = value(dtype, below);
            double high = value(dtype, below + 1);
            double middle = low + (high - low) / 2;
            float even = (float) ((below & 1) == 0 ? low : high);
            assertThat(dtype.round((float) middle)).isEqualTo(even);
            assertThat(dtype.round(-(float) middle)).isEqualTo(-even);
            assertThat(dtype.round(Math.nextDown((float) middle))).isEqualTo((float) low);
            assertThat(dtype.round(Math.nextUp((float) middle))).isEqualTo((float) high);
        }
    }

    @ParameterizedTest
    @EnumSource
    void writingStoresTheRoundedValue(DType dtype) {
        Random random = new Random(5);
        float[] values = new float[999];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(-6, 4)));
        }
        byte[] stored = new byte[(values.length - 1) * dtype.bytes()];
        dtype.narrow(values, 1, MemorySegment.ofArray(stored), values.length - 1);
        float[] read = new float[values.length];
        dtype.widen(MemorySegment.ofArray(stored), read, 1, values.length - 1);
        assertThat(read[0]).isZero();
        for (int i = 1; i < values.length; i++) {
            assertThat(read[i]).isEqualTo(dtype.round(values[i]));
        }
    }

    @Test
    void notANumberStaysOneInEveryFormat() {
        for (int bits : new int[] {0x7fc00000, 0x7f800001, 0x7fffffff, 0xff800001, 0xffffffff}) {
            for (DType dtype : DType.values()) {
                assertThat(dtype.round(Float.intBitsToFloat(bits)))
                        .as("%s %x", dtype, bits)
                        .isNaN();
            }
        }
    }
}
