package io.mosaic.engine.export;

import io.mosaic.engine.checkpoint.SafetensorsReader;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The weights that an exporter has written so far, layer by layer. Close unmaps them. */
public final class StagedWeights implements AutoCloseable {
    private final List<SafetensorsReader> files = new ArrayList<>();
    private final Map<String, SafetensorsReader> tensors = new HashMap<>();

    /** @throws io.mosaic.engine.MosaicException where a file is not even begun as the exporter begins it */
    public StagedWeights(Path folder) {
        try (Stream<Path> found = Files.list(folder)) {
            for (Path file : found.filter(path -> path.toString().endsWith(".safetensors"))
                    .toList()) {
                SafetensorsReader reader = SafetensorsReader.open(file);
                files.add(reader);
                reader.tensors().keySet().forEach(name -> tensors.put(name, reader));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** SHA-256 of a layer's projections as stored; of nothing where the files hold no such layer. */
    public String sha256(int layer) {
        MessageDigest digest = digest();
        for (Projection projection : Projection.values()) {
            SafetensorsReader file = tensors.get(projection.tensor(layer));
            if (file != null) {
                TensorInfo tensor = tensor(file, projection.tensor(layer));
                digest.update(file.bytes(tensor).asByteBuffer());
                file.release(tensor);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** A layer that {@link #sha256} has vouched for, with the norms of its dense self. */
    public LayerWeights read(int layer, LayerShape shape, LayerWeights dense) {
        Map<Projection, float[]> weights = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            SafetensorsReader file = Objects.requireNonNull(tensors.get(projection.tensor(layer)));
            TensorInfo tensor = tensor(file, projection.tensor(layer));
            float[] values = new float[Math.toIntExact(tensor.elements())];
            file.read(tensor, 0, values, 0, values.length);
            file.release(tensor);
            weights.put(projection, values);
        }
        return dense.with(shape, weights);
    }

    @Override
    public void close() {
        files.forEach(SafetensorsReader::close);
    }

    private static TensorInfo tensor(SafetensorsReader file, String name) {
        TensorInfo tensor = file.tensors().get(name);
        if (tensor == null) {
            throw new IllegalArgumentException(file.file() + " lacks " + name);
        }
        return tensor;
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
