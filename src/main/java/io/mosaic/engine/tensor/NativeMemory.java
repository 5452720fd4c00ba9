package io.mosaic.engine.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Settings of the C library's memory. PyTorch allocates every result afresh, and the system first zeroes its pages: in
 * layers of tens of millions of weights, a third of the time of a forward. Libraries other than glibc are left
 * unchanged.
 */
final class NativeMemory {
    /** Puts large tensors in pages of 2 MB. PyTorch reads it from the environment when it is loaded. */
    private static final String HUGE_PAGES = "THP_MEM_ALLOC_ENABLE";

    // of malloc.h
    private static final int TRIM_THRESHOLD = -1;
    private static final int TOP_PAD = -2;
    private static final int MMAP_MAX = -4;

    private static final int NEVER = -1;
    private static final int MANY = 65_536; // glibc's default
    private static final int PAD = 256 << 20;

    private static final Linker LINKER = Linker.nativeLinker();

    private NativeMemory() {}

    /** Must be called before PyTorch is loaded. */
    static void askForHugePages() {
        if (System.getenv(HUGE_PAGES) == null) {
            function("setenv", ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT)
                    .ifPresent(setenv -> {
                        try (Arena arena = Arena.ofConfined()) {
                            // Java's own view of the environment does not change
                            call(setenv, arena.allocateFrom(HUGE_PAGES), arena.allocateFrom("1"), 1);
                        }
                    });
        }
    }

    /** Keeps freed memory for the next allocation. */
    static void keep() {
        options(0, PAD);
    }

    /** Gives each large tensor its own memory, which is returned to the system when it is freed. */
    static void handBack() {
        options(MANY, 0);
    }

    /**
     * @param mappings number of tensors that may have their own memory
     * @param pad bytes taken from the system ahead of need
     */
    private static void options(int mappings, int pad) {
        function("mallopt", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT).ifPresent(mallopt -> {
            call(mallopt, MMAP_MAX, mappings);
            call(mallopt, TRIM_THRESHOLD, NEVER);
            call(mallopt, TOP_PAD, pad);
        });
    }

    /** Returns free memory to the system. */
    static void release() {
        function("malloc_trim", ValueLayout.JAVA_LONG).ifPresent(trim -> call(trim, 0L));
    }

    private static Optional<MethodHandle> function(String name, MemoryLayout... parameters) {
        return LINKER.defaultLookup()
                .find(name)
                .map(address ->
                        LINKER.downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters)));
    }

    private static void call(MethodHandle function, Object... arguments) {
        try {
            function.invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
