package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.MosaicException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A list of float32 tensors used one at a time: in memory, on their device, or in a memory-mapped file that is already
 * unlinked. Close frees them.
 */
public final class TensorStore implements AutoCloseable {
    private final NDManager manager;
    private final List<NDArray> tensors = new ArrayList<>(); // in memory
    private final List<MemorySegment> mapped = new ArrayList<>(); // in the file
    private final List<Shape> shapes = new ArrayList<>(); // of the tensors in the file
    private final Optional<Arena> arena;
    private final Optional<MemorySegment> file;

    private TensorStore(NDManager manager, Optional<Arena> arena, Optional<MemorySegment> file) {
        this.manager = manager;
        this.arena = arena;
        this.file = file;
    }

    /** @param bytes of all tensors together */
    @SuppressWarnings("MustBeClosedChecker") // the store owns the arena and closes it
    public static TensorStore open(NDManager parent, Scratch scratch, long bytes) {
        Optional<Path> folder = scratch.folder(bytes);
        if (folder.isEmpty()) {
            return new TensorStore(parent.newSubManager(), Optional.empty(), Optional.empty());
        }
        Arena arena = Arena.ofShared();
        try {
            MemorySegment segment = Scratch.map(folder.get(), bytes, arena, "activations");
            return new TensorStore(parent.newSubManager(), Optional.of(arena), Optional.of(segment));
        } catch (MosaicException e) {
            arena.close();
            throw e;
        }
    }

    public int size() {
        return file.isPresent() ? mapped.size() : tensors.size();
    }

    /** Bytes of all tensors together. */
    public long bytes() {
        long elements = file.isPresent()
                ? shapes.stream().mapToLong(Shape::size).sum()
                : tensors.stream().mapToLong(NDArray::size).sum();
        return elements * Float.BYTES;
    }

    /** Appends a tensor; the store takes ownership. */
    public void add(NDArray tensor) {
        if (file.isEmpty()) {
            tensor.attach(manager);
            tensors.add(tensor);
            return;
        }
        long at = mapped.stream().mapToLong(MemorySegment::byteSize).sum();
        mapped.add(file.get().asSlice(at, tensor.size() * Float.BYTES));
        shapes.add(tensor.getShape());
        write(mapped.size() - 1, tensor);
    }

    /** Replaces a tensor by one of the same shape; the store takes ownership. */
    public void set(int index, NDArray tensor) {
        if (file.isEmpty()) {
            tensors.get(index).close();
            tensor.attach(manager);
            tensors.set(index, tensor);
        } else {
            write(index, tensor);
        }
    }

    /** A tensor to read; the caller closes it, which leaves the store unchanged. */
    public NDArray get(NDManager scope, int index) {
        if (file.isEmpty()) {
            NDArray view = tensors.get(index).get(":"); // another handle on the same memory
            view.attach(scope);
            return view;
        }
        ByteBuffer buffer = mapped.get(index).asByteBuffer().order(ByteOrder.nativeOrder());
        return scope.create(buffer, shapes.get(index), DataType.FLOAT32); // in place on the CPU
    }

    @Override
    public void close() {
        manager.close();
        arena.ifPresent(Arena::close);
    }

    private void write(int index, NDArray tensor) {
        try (tensor) {
            Tensors.copy(tensor, mapped.get(index));
        }
        mapped.get(index).unload();
    }
}
