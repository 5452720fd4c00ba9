package io.mosaic.engine.tensor;

import ai.djl.engine.Engine;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The native library, loaded the way that its speed asks for. Whatever touches the engine first goes through here. */
public final class TorchEngine {
    /**
     * Large tensors in pages of 2 MB: PyTorch hands each one's memory back to the system, and without this most of the
     * time of a product of several MB goes into page faults. It is read from the environment as the library loads.
     */
    private static final String HUGE_PAGES = "THP_MEM_ALLOC_ENABLE";

    private TorchEngine() {}

    /** The engine, loaded. */
    public static Engine get() {
        return Loaded.ENGINE;
    }

    private static final class Loaded {
        static final Engine ENGINE = load();

        private static Engine load() {
            if (System.getenv(HUGE_PAGES) == null) {
                setEnvironment(HUGE_PAGES, "1");
            }
            return Engine.getEngine("PyTorch");
        }
    }

    /** Java's own view of the environment stays as it was; native code sees the change. */
    private static void setEnvironment(String name, String value) {
        Linker linker = Linker.nativeLinker();
        linker.defaultLookup().find("setenv").ifPresent(address -> {
            MethodHandle setenv = linker.downcallHandle(
                    address,
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment key = arena.allocateFrom(name);
                int status = (int) setenv.invokeExact(key, arena.allocateFrom(value), 1);
                if (status != 0) {
                    throw new IllegalStateException("setenv " + name + " gave " + status);
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("setenv " + name, e);
            }
        });
    }
}
