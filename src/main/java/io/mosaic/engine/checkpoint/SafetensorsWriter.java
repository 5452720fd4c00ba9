package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes one safetensors file, tensor by tensor in any order: first the header, from the shapes, then each tensor to
 * its own place. {@link #finish} checks that all were written and forces the file to disk.
 */
public final class SafetensorsWriter implements AutoCloseable {
    private static final int ALIGNMENT = 8;
    private static final int CHUNK = 1 << 20;

    /** A tensor to be written. */
    public record Planned(String name, DType dtype, List<Long> shape) {
        public Planned {
            shape = List.copyOf(shape);
        }

        public long elements() {
            return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
        }

        public long bytes() {
            return elements() * dtype.bytes();
        }
    }

    /** A tensor with elements still to be written. */
    private record Pending(TensorInfo info, long missing) {}

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Pending> pending;
    private final long dataStart;
    private final long totalBytes;

    private SafetensorsWriter(Path file, FileChannel channel, Map<String, TensorInfo> tensors, long dataStart) {
        this.file = file;
        this.channel = channel;
        this.pending = LinkedHashMap.newLinkedHashMap(tensors.size());
        tensors.forEach((name, info) -> pending.put(name, new Pending(info, info.elements())));
        this.dataStart = dataStart;
        this.totalBytes = dataStart
                + tensors.values().stream().mapToLong(TensorInfo::bytes).sum();
    }

    /** Creates the file with its header. */
    public static SafetensorsWriter create(Path file, List<Planned> plan) {
        Map<String, TensorInfo> tensors = LinkedHashMap.newLinkedHashMap(plan.size());
        ObjectNode header = JsonNodeFactory.instance.objectNode();
        header.putObject("__metadata__").put("format", "pt");
        long offset = 0;
        for (Planned tensor : plan) {
            tensors.put(
                    tensor.name(),
                    new TensorInfo(tensor.name(), tensor.dtype(), tensor.shape(), offset, tensor.bytes()));
            ObjectNode node = header.putObject(tensor.name());
            node.put("dtype", tensor.dtype().name());
            tensor.shape().forEach(node.withArray("shape")::add);
            node.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
            offset += tensor.bytes();
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(json.length, ALIGNMENT) * ALIGNMENT;
        ByteBuffer head = ByteBuffer.allocate(Long.BYTES + padded)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(padded)
                .put(json);
        while (head.hasRemaining()) {
            head.put((byte) ' ');
        }
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            SafetensorsWriter writer = new SafetensorsWriter(file, channel, tensors, head.capacity());
            try {
                writer.put(head.flip(), 0);
                writer.extend();
            } catch (RuntimeException e) {
                writer.close();
                throw e;
            }
            return writer;
        } catch (IOException e) {
            throw diskFailure(file, e);
        }
    }

    /**
     * Writes one tensor from float32 values.
     *
     * @return how many elements are zero as stored
     */
    public long write(String name, float[] values) {
        return write(name, 0, values);
    }

    /**
     * Writes some elements of a tensor; each element must be written once.
     *
     * @param from index of the first
     * @return how many of them are zero as stored
     */
    public long write(String name, long from, float[] values) {
        TensorInfo tensor = take(name, from, values.length);
        return Part.of(values.length, CHUNK)
                .mapToLong(part -> write(tensor, from, values, part))
                .sum();
    }

    private long write(TensorInfo tensor, long from, float[] values, Part part) {
        int width = tensor.dtype().bytes();
        int count = part.to() - part.from();
        ByteBuffer buffer = ByteBuffer.allocateDirect(count * width);
        long zeros = tensor.dtype().narrow(values, part.from(), MemorySegment.ofBuffer(buffer), count);
        put(buffer, dataStart + tensor.begin() + (from + part.from()) * width);
        return zeros;
    }

    /** Writes one tensor from its stored bytes, unchanged. */
    public void copy(String name, MemorySegment bytes) {
        TensorInfo tensor = pending(name).info();
        if (bytes.byteSize() != tensor.bytes()) {
            throw new IllegalArgumentException(name + " has " + tensor.bytes() + " bytes, given " + bytes.byteSize());
        }
        take(name, 0, tensor.elements());
        for (long from = 0; from < bytes.byteSize(); from += CHUNK) {
            long count = Math.min(CHUNK, bytes.byteSize() - from);
            put(bytes.asSlice(from, count).asByteBuffer(), dataStart + tensor.begin() + from);
        }
    }

    /** Checks that all tensors have been written and forces them to disk. */
    public void finish() {
        if (!pending.isEmpty()) {
            throw new IllegalStateException(file.getFileName() + " lacks " + pending.keySet());
        }
        try {
            channel.force(true);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A failed write, as an error with the path and the space left. */
    public static MosaicException diskFailure(Path file, IOException cause) {
        return diskFailure(file, String.valueOf(file), cause);
    }

    private MosaicException failure(IOException cause) {
        return diskFailure(file, file + " of " + totalBytes + " bytes", cause);
    }

    private static MosaicException diskFailure(Path file, String what, IOException cause) {
        String message = String.valueOf(cause.getMessage());
        long usable = -1;
        try {
            FileStore store = Files.getFileStore(file.getParent() == null ? file : file.getParent());
            usable = store.getUsableSpace();
        } catch (IOException ignored) {
            // the space left is optional; the failure itself is reported below
        }
        boolean full = message.contains("No space left")
                || message.contains("Disk quota exceeded")
                || message.contains("File too large")
                || message.contains("not enough space");
        return new MosaicException(
                full ? ErrorCode.DISK_FULL : ErrorCode.IO_ERROR,
                "Cannot write " + what + ": " + message + (usable >= 0 ? " (" + usable + " bytes usable there)" : ""),
                cause);
    }

    private Pending pending(String name) {
        Pending tensor = pending.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException(name + " is not planned, or was written already");
        }
        return tensor;
    }

    private TensorInfo take(String name, long from, long count) {
        Pending tensor = pending(name);
        if (from + count > tensor.info().elements() || count > tensor.missing()) {
            throw new IllegalArgumentException(name + " has " + tensor.info().elements() + " elements, of which "
                    + tensor.missing() + " are missing; given " + count + " from " + from);
        }
        if (count == tensor.missing()) {
            pending.remove(name);
        } else {
            pending.put(name, new Pending(tensor.info(), tensor.missing() - count));
        }
        return tensor.info();
    }

    /** Gives the file its full length from the start, so that tensors already written can be read at any time. */
    private void extend() {
        if (totalBytes > dataStart) {
            put(ByteBuffer.allocate(1), totalBytes - 1);
        }
    }

    private void put(ByteBuffer bytes, long position) {
        try {
            long at = position;
            while (bytes.hasRemaining()) {
                at += channel.write(bytes, at);
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }
}
