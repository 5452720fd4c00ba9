package io.mosaic.engine.export;

import io.mosaic.engine.checkpoint.SafetensorsReader;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The weights that an exporter has written so far, layer by layer. Close unmaps them. */
public final class StagedWeights implements AutoCloseable {
    private final List<SafetensorsReader> files = new ArrayList<>();
    private final Map<String, Stored> tensors = new HashMap<>();

    private record Stored(SafetensorsReader file, TensorInfo info) {}

    /** @throws io.mosaic.engine.MosaicException where a file is not even begun as the exporter begins it */
    public StagedWeights(Path folder) {
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

    /** Hands out the bytes of a layer's projections as stored, in order; none where the files hold no such layer. */
    public void forEach(int layer, Consumer<ByteBuffer> action) {
        for (Projection projection : Projection.values()) {
            Stored stored = tensors.get(projection.tensor(layer));
            if (stored != null) {
                action.accept(stored.file().bytes(stored.info()).asByteBuffer());
                stored.file().release(stored.info());
            }
        }
    }

    /** A layer that is known to be whole, with the norms of its dense self. */
    public LayerWeights read(int layer, LayerShape shape, LayerWeights dense) {
        Map<Projection, float[]> weights = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            Stored stored = Objects.requireNonNull(tensors.get(projection.tensor(layer)));
            float[] values = new float[Math.toIntExact(stored.info().elements())];
            stored.file().read(stored.info(), 0, values, 0, values.length);
            stored.file().release(stored.info());
            weights.put(projection, values);
        }
        return dense.with(shape, weights);
    }

    @Override
    public void close() {
        files.forEach(SafetensorsReader::close);
    }
}
