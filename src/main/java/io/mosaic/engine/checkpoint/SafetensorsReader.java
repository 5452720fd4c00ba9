package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * A memory-mapped safetensors file; tensors are widened to float32 one at a time, or a part at a time. Close unmaps
 * it.
 */
public final class SafetensorsReader implements AutoCloseable {
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final Arena arena;
    private final MemorySegment data;
    private final Map<String, TensorInfo> tensors;

    private SafetensorsReader(Path file, Arena arena, MemorySegment data, Map<String, TensorInfo> tensors) {
        this.file = file;
        this.arena = arena;
        this.data = data;
        this.tensors = tensors;
    }

    /** @throws MosaicException if the file violates the format */
    @SuppressWarnings("MustBeClosedChecker") // the reader owns the arena and closes it
    public static SafetensorsReader open(Path file) {
        String name = String.valueOf(file.getFileName());
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < Long.BYTES) {
                throw new MosaicException(
                        ErrorCode.SAFETENSORS_INVALID, name + ": " + size + " bytes, too short for a safetensors file");
            }
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            long headerBytes = mapped.get(LENGTH, 0);
            if (headerBytes < 0 || headerBytes > SafetensorsHeader.MAX_BYTES || headerBytes > size - Long.BYTES) {
                throw new MosaicException(
                        ErrorCode.SAFETENSORS_INVALID,
                        name + ": header length " + Long.toUnsignedString(headerBytes) + " exceeds the file (" + size
                                + " bytes) or the limit of " + SafetensorsHeader.MAX_BYTES);
            }
            byte[] header = mapped.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
            MemorySegment data = mapped.asSlice(Long.BYTES + headerBytes);
            return new SafetensorsReader(file, arena, data, SafetensorsHeader.parse(name, header, data.byteSize()));
        } catch (IOException e) {
            arena.close();
            throw new MosaicException(ErrorCode.IO_ERROR, name + ": cannot be read: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    public Path file() {
        return file;
    }

    /** Tensors by name, in file order. */
    public Map<String, TensorInfo> tensors() {
        return tensors;
    }

    /** Elements {@code from} to {@code from + count} of a tensor, row-major, as float32 from {@code target[at]} on. */
    public void read(TensorInfo tensor, long from, float[] target, int at, int count) {
        long width = tensor.dtype().bytes();
        tensor.dtype().widen(bytes(tensor).asSlice(from * width, count * width), target, at, count);
    }

    /** Releases the memory filled by reading a tensor; reading it again is allowed and pages it in again. */
    public void release(TensorInfo tensor) {
        bytes(tensor).unload();
    }

    /** The stored bytes of a tensor. */
    public MemorySegment bytes(TensorInfo tensor) {
        return data.asSlice(tensor.begin(), tensor.bytes());
    }

    @Override
    public void close() {
        arena.close();
    }
}
