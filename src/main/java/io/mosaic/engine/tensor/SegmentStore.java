package io.mosaic.engine.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Bytes outside the heap: in a memory-mapped file that is already unlinked, or in memory. Close frees them. */
public final class SegmentStore implements AutoCloseable {
    private static final int ALIGNMENT = 64;

    private final Arena arena;
    private final MemorySegment bytes;
    private final boolean mapped;

    private SegmentStore(Arena arena, MemorySegment bytes, boolean mapped) {
        this.arena = arena;
        this.bytes = bytes;
        this.mapped = mapped;
    }

    /**
     * In a file, if the scratch has a folder.
     *
     * @param purpose for messages
     */
    @SuppressWarnings("MustBeClosedChecker") // the store owns the arena and closes it
    public static SegmentStore open(Scratch scratch, long bytes, String purpose) {
        Arena arena = Arena.ofShared();
        try {
            return scratch.folder()
                    .map(folder -> new SegmentStore(arena, Scratch.map(folder, bytes, arena, purpose), true))
                    .orElseGet(() -> new SegmentStore(arena, arena.allocate(bytes, ALIGNMENT), false));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    public MemorySegment slice(long offset, long length) {
        return bytes.asSlice(offset, length);
    }

    /** Lets the system take back the memory of a part that has been written or read; its bytes stay in the file. */
    public void release(MemorySegment part) {
        if (mapped) {
            part.unload();
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
