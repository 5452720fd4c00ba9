package io.mosaic.engine.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Makes float32 tensors; every tensor of the engine is made here or is the result of an operation. */
public final class Tensors {
    private Tensors() {}

    /** A root manager on a device. Close it to free whatever is still in it. */
    public static NDManager open(Device device) {
        NDManager manager = TorchEngine.get().newBaseManager(device);
        JniUtils.setGradMode(false); // thread-local in PyTorch, on by default in every new thread
        return manager;
    }

    /** A float32 tensor with a copy of {@code values}, row-major. */
    public static NDArray of(NDManager manager, float[] values, long... shape) {
        if (manager.getDevice().isGpu()) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES))
                    .order(ByteOrder.nativeOrder());
            buffer.asFloatBuffer().put(values);
            return manager.create(buffer, new Shape(shape), DataType.FLOAT32);
        }
        NDArray tensor = manager.create(new Shape(shape), DataType.FLOAT32);
        memory(tensor).put(values);
        return tensor;
    }

    /** The values of a float32 tensor, row-major. */
    public static float[] values(NDArray tensor) {
        float[] values = new float[Math.toIntExact(tensor.size())];
        memory(tensor).get(values);
        return values;
    }

    /** Copies the values of a float32 tensor, row-major, in the machine's byte order. */
    static void copy(NDArray tensor, MemorySegment target) {
        target.copyFrom(MemorySegment.ofBuffer(memory(tensor)));
    }

    /** The memory of a tensor on the CPU itself, else of a copy; no pages of it are touched twice. */
    private static FloatBuffer memory(NDArray tensor) {
        return tensor.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }
}
