package io.mosaic.engine.export;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.TensorSlice;
import io.mosaic.engine.checkpoint.SafetensorsReader;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.decoder.LayerWeights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The weights that an exporter has written so far, layer by layer. Close unmaps them. */
public final class StagedWeights implements AutoCloseable {
    private final Architecture architecture;
    private final List<SafetensorsReader> files = new ArrayList<>();
    private final Map<String, Stored> tensors = new HashMap<>();

    private record Stored(SafetensorsReader file, TensorInfo info) {}

    /**
     * @param architecture of the layers being written
     * @throws io.mosaic.engine.MosaicException if a file does not even have the beginning that the exporter writes
     */
    public StagedWeights(Path folder, Architecture architecture) {
        this.architecture = architecture;
        try (Stream<Path> found = Files.list(folder)) {
            for (Path file : found.filter(path -> path.toString().endsWith(".safetensors"))
                    .toList()) {
                SafetensorsReader reader = SafetensorsReader.open(file);
                files.add(reader);
                reader.tensors().forEach((name, info) -> tensors.put(name, new Stored(reader, info)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Passes on the bytes of a layer's tensors as stored, in order; none if the files hold no such layer. */
    public void forEach(int layer, Consumer<ByteBuffer> action) {
        for (String name :
                architecture.layerTensors(layer, architecture.shape(layer)).keySet()) {
            Stored stored = tensors.get(name);
            if (stored != null) {
                action.accept(stored.file().bytes(stored.info()).asByteBuffer());
                stored.file().release(stored.info());
            }
        }
    }

    /** Reads a layer known to be complete. */
    public LayerWeights read(int layer, LayerShape shape) {
        return LayerWeights.read(architecture, layer, shape, this::read);
    }

    private float[] read(TensorSlice slice) {
        Stored stored = Objects.requireNonNull(tensors.get(slice.tensor()));
        float[] values = new float[Math.toIntExact(slice.count())];
        stored.file().read(stored.info(), slice.from(), values, 0, values.length);
        stored.file().release(stored.info());
        return values;
    }

    @Override
    public void close() {
        files.forEach(SafetensorsReader::close);
    }
}
