package io.mosaic.engine.tensor;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Storage for tensors too large to stay in memory.
 *
 * @param folder for files that vanish with the process; absent if everything stays in memory
 * @param budget bytes of one set of tensors that may stay in memory
 */
public record Scratch(Optional<Path> folder, long budget) {
    /** No storage: everything stays in memory. */
    public static final Scratch NONE = new Scratch(Optional.empty(), Long.MAX_VALUE);

    /** @param folder must exist */
    public static Scratch in(Path folder, long budget) {
        return new Scratch(Optional.of(folder), budget);
    }

    /** The folder, if {@code bytes} exceed the budget. */
    public Optional<Path> folder(long bytes) {
        return bytes > budget ? folder : Optional.empty();
    }
}
