package io.mosaic.engine.tensor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;

/** The native library, loaded with settings for speed. All first use of the engine goes through here. */
public final class TorchEngine {
    private static final long LARGE = 256 << 20;
    private static final String THREADS = "ai.djl.pytorch.num_threads";

    private TorchEngine() {}

    /** The engine, loaded. */
    public static Engine get() {
        return Loaded.ENGINE;
    }

    /** Returns unused memory to the system, after a run or before measuring its memory. */
    public static void releaseMemory() {
        NativeMemory.release();
    }

    /**
     * Announces the size of tensors. Memory of small ones is kept for the next; for large ones, allocating again costs
     * little next to the arithmetic, and keeping memory costs much. Of several runs at once, the last call applies to
     * all; it affects only speed and memory.
     */
    public static void expectTensors(long largestBytes) {
        if (keepsMemory(largestBytes)) {
            NativeMemory.keep();
        } else {
            NativeMemory.handBack();
        }
    }

    /** Whether {@link #expectTensors} keeps the memory of tensors of this size. */
    public static boolean keepsMemory(long largestBytes) {
        return largestBytes < LARGE;
    }

    /**
     * Limits the threads that one operation uses. Without it, the processors that the container grants; a number in
     * {@code OMP_NUM_THREADS} or {@code ai.djl.pytorch.num_threads} counts more than either. Has no effect once the
     * library is loaded.
     *
     * @param threads at least 1
     */
    public static void limitThreads(int threads) {
        if (Integer.getInteger(THREADS) == null && System.getenv("OMP_NUM_THREADS") == null) {
            System.setProperty(THREADS, String.valueOf(threads));
        }
    }

    /** Number of threads that one operation uses. */
    public static int threads() {
        get();
        return JniUtils.getNumThreads();
    }

    /**
     * Everything of the machine that results may depend on in their last bits: sums are split over threads, and each
     * instruction set adds in another order.
     */
    public static String platform(Device device) {
        return String.join(
                " ",
                "pytorch",
                get().getVersion(),
                device.isGpu() ? "gpu" : "cpu " + CpuFeatures.instructionSet() + " " + threads() + " threads");
    }

    private static final class Loaded {
        static final Engine ENGINE = load();

        private static Engine load() {
            NativeMemory.askForHugePages();
            limitThreads(Runtime.getRuntime().availableProcessors());
            return Engine.getEngine("PyTorch");
        }
    }
}
