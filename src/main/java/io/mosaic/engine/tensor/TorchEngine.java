package io.mosaic.engine.tensor;

import ai.djl.engine.Engine;

/** The native library, loaded with settings for speed. All first use of the engine goes through here. */
public final class TorchEngine {
    private static final long LARGE = 256 << 20;

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

    private static final class Loaded {
        static final Engine ENGINE = load();

        private static Engine load() {
            NativeMemory.askForHugePages();
            return Engine.getEngine("PyTorch");
        }
    }
}
