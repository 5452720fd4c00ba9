package io.mosaic.engine.tensor;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where tensors go that are too large to stay in memory.
 *
 * @param folder for files that vanish with the process; absent where everything stays in memory
 * @param budget bytes of one set of tensors that may stay in memory
 */
public record Scratch(Optional<Path> folder, long budget) {
    /** Everything stays in memory. */
    public static final Scratch NONE = new Scratch(Optional.empty(), Long.MAX_VALUE);

    /** @param folder exists */
    public static Scratch in(Path folder, long budget) {
        return new Scratch(Optional.of(folder), budget);
    }

    /** The folder, where so many bytes are too many. */
    public Optional<Path> folder(long bytes) {
        return bytes > budget ? folder : Optional.empty();
    }
}
