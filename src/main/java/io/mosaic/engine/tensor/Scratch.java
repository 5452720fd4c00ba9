package io.mosaic.engine.tensor;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Storage for tensors too large to stay in memory.
 *
 * @param folder for files that vanish with the process; absent if everything stays in memory
 * @param budget bytes of one set of tensors that may stay in memory
 */
public record Scratch(Optional<Path> folder, long budget) {
    /** The system's words for a file beyond the process's limit. */
    private static final String TOO_LARGE = "File too large";

    /** No storage: everything stays in memory. */
    public static final Scratch NONE = new Scratch(Optional.empty(), Long.MAX_VALUE);

    /** @param folder must exist */
    public static Scratch in(Path folder, long budget) {
        return new Scratch(Optional.of(folder), budget);
    }

    /**
     * A file that vanishes with the arena, mapped into memory.
     *
     * @param purpose for messages
     */
    static MemorySegment map(Path folder, long bytes, Arena arena, String purpose) {
        try {
            long free = Files.getFileStore(folder).getUsableSpace();
            if (free < bytes) { // writing to a mapping of a full disk would end the process
                throw new MosaicException(
                        ErrorCode.DISK_FULL,
                        "Cannot keep " + bytes + " bytes of " + purpose + " in " + folder + ", which has " + free
                                + " left");
            }
            Path path = Files.createTempFile(folder, ".scratch", "");
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                Files.delete(path); // the mapping keeps the file; a killed process leaves nothing
                return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
            }
        } catch (IOException e) {
            throw new MosaicException(
                    e.getMessage() != null && e.getMessage().contains(TOO_LARGE)
                            ? ErrorCode.DISK_FULL
                            : ErrorCode.IO_ERROR,
                    "Cannot keep " + bytes + " bytes of " + purpose + " in " + folder + ": " + e.getMessage(),
                    e);
        }
    }

    /** Whether a file of so many bytes could be kept. */
    public boolean fits(long bytes) {
        return folder.map(place -> place.toFile().getUsableSpace() > bytes).orElse(true);
    }

    /** The folder, if {@code bytes} exceed the budget. */
    public Optional<Path> folder(long bytes) {
        return bytes > budget ? folder : Optional.empty();
    }
}
