package io.mosaic.engine.tensor;

import ai.djl.engine.Engine;

/** The native library, loaded the way that its speed asks for. Whatever touches the engine first goes through here. */
public final class TorchEngine {
    private static final long LARGE = 256 << 20;

    private TorchEngine() {}

    /** The engine, loaded. */
    public static Engine get() {
        return Loaded.ENGINE;
    }

    /** Hands memory that nothing uses any more back to the system: a run has ended, or its memory is to be measured. */
    public static void releaseMemory() {
        NativeMemory.release();
    }

    /**
     * Says how large tensors will be. Memory of small ones is kept for those that come next; next to the arithmetic of
     * large ones it costs little to ask for it anew, and much to keep it. Of several runs at once the last one's word holds
     * for all, in speed and memory only.
     */
    public static void expectTensors(long largestBytes) {
        if (keepsMemory(largestBytes)) {
            NativeMemory.keep();
        } else {
            NativeMemory.handBack();
        }
    }

    /** What {@link #expectTensors} does about tensors of this size. */
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
