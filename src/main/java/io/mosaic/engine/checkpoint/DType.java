package io.mosaic.engine.checkpoint;

import io.mosaic.engine.Part;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** Number formats of stored weights; arithmetic is done in float32. */
public enum DType {
    F32(4, "float32") {
        @Override
        public void widen(MemorySegment source, float[] target, int offset, int count) {
            MemorySegment.copy(source, FLOAT, 0, target, offset, count);
        }

        @Override
        public int narrow(float[] source, int offset, MemorySegment target, int count) {
            MemorySegment.copy(source, offset, target, FLOAT, 0, count);
            int zeros = 0;
            for (int i = offset; i < offset + count; i++) {
                zeros += source[i] == 0 ? 1 : 0;
            }
            return zeros;
        }

        @Override
        public float round(float value) {
            return value;
        }
    },
    F16(2, "float16") {
        @Override
        public void widen(MemorySegment source, float[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = Float.float16ToFloat(source.getAtIndex(SHORT, i));
            }
        }

        @Override
        public int narrow(float[] source, int offset, MemorySegment target, int count) {
            int zeros = 0;
            for (int i = 0; i < count; i++) {
                short bits = Float.floatToFloat16(source[offset + i]);
                target.setAtIndex(SHORT, i, bits);
                zeros += (bits & MAGNITUDE) == 0 ? 1 : 0;
            }
            return zeros;
        }

        @Override
        public float round(float value) {
            return Float.float16ToFloat(Float.floatToFloat16(value));
        }
    },
    BF16(2, "bfloat16") {
        @Override
        public void widen(MemorySegment source, float[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = Float.intBitsToFloat(source.getAtIndex(SHORT, i) << 16);
            }
        }

        @Override
        public int narrow(float[] source, int offset, MemorySegment target, int count) {
            int zeros = 0;
            for (int i = 0; i < count; i++) {
                short bits = (short) (bfloat16Bits(source[offset + i]) >>> 16);
                target.setAtIndex(SHORT, i, bits);
                zeros += (bits & MAGNITUDE) == 0 ? 1 : 0;
            }
            return zeros;
        }

        @Override
        public float round(float value) {
            return Float.intBitsToFloat(bfloat16Bits(value) & 0xffff0000);
        }
    };

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int MAGNITUDE = 0x7fff; // of 16 bits, all but the sign

    private static final int ROUNDED_TOGETHER = 1 << 20;

    private final int bytes;
    private final String torchName;

    DType(int bytes, String torchName) {
        this.bytes = bytes;
        this.torchName = torchName;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The name that config.json's {@code torch_dtype} uses. */
    public String torchName() {
        return torchName;
    }

    /** {@code value} as it reads back after being stored in this format (round to nearest even). */
    public abstract float round(float value);

    /** Rounds each value, into a new array. */
    public float[] round(float[] values) {
        float[] rounded = values.clone();
        if (this != F32) {
            Part.of(rounded.length, ROUNDED_TOGETHER).forEach(part -> {
                for (int i = part.from(); i < part.to(); i++) {
                    rounded[i] = round(rounded[i]);
                }
            });
        }
        return rounded;
    }

    /** Reads elements stored in this format. */
    public abstract void widen(MemorySegment source, float[] target, int offset, int count);

    /**
     * Stores elements in this format.
     *
     * @return how many of them are zero as stored
     */
    public abstract int narrow(float[] source, int offset, MemorySegment target, int count);

    static Optional<DType> named(String safetensorsName) {
        return Arrays.stream(values())
                .filter(d -> d.name().equals(safetensorsName))
                .findFirst();
    }

    /** Bits of {@code value} rounded to nearest even at bit 16; only the upper half is meaningful. */
    private static int bfloat16Bits(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > 0x7f800000) {
            return bits | 0x00400000; // a NaN stays a NaN
        }
        return bits + 0x7fff + ((bits >>> 16) & 1);
    }
}
