package io.mosaic.engine.export;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.TensorSlice;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.decoder.LayerWeights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a pruned model as a Hugging Face folder: weights in the source's number formats, layer by layer as they
 * arrive; config.json with the new shapes; everything else byte for byte. Close without {@link #finish} leaves an
 * incomplete folder for the caller to delete.
 */
public final class HuggingFaceExporter implements AutoCloseable {
    /** Shard size of the hub's own tools. */
    private static final long SHARD_BYTES = 5_000_000_000L;

    private static final JsonMapper JSON = JsonMapper.shared();

    /** Files copied unchanged if the source has them. */
    private static final Set<String> COPIED = Set.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "generation_config.json",
            "tokenizer.model",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json",
            "preprocessor_config.json",
            "processor_config.json",
            "LICENSE",
            "LICENSE.txt",
            "LICENSE.md",
            "USE_POLICY",
            "USE_POLICY.md",
            "USE_POLICY.txt",
            "NOTICE",
            "NOTICE.txt");

    private final Path folder;
    private final Checkpoint source;
    private final Architecture architecture;
    private final List<LayerShape> shapes;
    private final Map<String, String> weightMap = new LinkedHashMap<>();
    private final Map<String, SafetensorsWriter> shards = new LinkedHashMap<>();
    private final long totalBytes;

    /**
     * Lays out the weight files.
     *
     * @param folder must exist and be empty
     * @param shapes of each layer after pruning
     */
    public HuggingFaceExporter(Path folder, Checkpoint source, List<LayerShape> shapes) {
        this(folder, source, shapes, SHARD_BYTES);
    }

    /** @param shardBytes limit of each file, unless a single tensor is larger */
    HuggingFaceExporter(Path folder, Checkpoint source, List<LayerShape> shapes, long shardBytes) {
        this.folder = folder;
        this.source = source;
        this.architecture = source.architecture();
        this.shapes = shapes;
        List<List<SafetensorsWriter.Planned>> parts = split(plan(), shardBytes);
        totalBytes = parts.stream()
                .flatMap(List::stream)
                .mapToLong(SafetensorsWriter.Planned::bytes)
                .sum();
        try {
            for (int i = 0; i < parts.size(); i++) {
                String file = parts.size() == 1
                        ? Checkpoint.SINGLE_FILE
                        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, parts.size());
                shards.put(file, SafetensorsWriter.create(folder.resolve(file), parts.get(i)));
                parts.get(i).forEach(tensor -> weightMap.put(tensor.name(), file));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Writes one layer.
     *
     * @return number of zeros of each map as stored
     */
    public PerMap<Long> write(int index, LayerWeights layer) {
        LayerShape shape = layer.shape();
        layer.biases().forEach((role, bias) -> write(architecture.bias(new MapId(index, role), shape), bias));
        layer.norms().forEach((role, norm) -> write(architecture.norm(index, role, shape), norm));
        return layer.weights().map((role, weight) -> write(architecture.weight(new MapId(index, role), shape), weight));
    }

    private long write(TensorSlice place, float[] values) {
        return shard(place.tensor()).write(place.tensor(), place.from(), values);
    }

    /** Completes the weights and config.json, and copies the source's other files. */
    public void finish() {
        Set<String> written = layerTensors().keySet();
        for (String name : weightMap.keySet()) {
            if (!written.contains(name)) {
                shard(name).copy(name, source.bytes(name));
            }
        }
        shards.values().forEach(SafetensorsWriter::finish);
        close();
        if (shards.size() > 1) {
            ObjectNode index = JsonNodeFactory.instance.objectNode();
            index.putObject("metadata").put("total_size", totalBytes);
            ObjectNode map = index.putObject("weight_map");
            weightMap.forEach(map::put);
            write(
                    "model.safetensors.index.json",
                    JSON.writerWithDefaultPrettyPrinter().writeValueAsString(index));
        }
        write(
                ConfigReader.FILE,
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(architecture.written(shapes)));
        for (String file : COPIED) {
            copy(file);
        }
    }

    private void write(String file, String content) {
        Path target = folder.resolve(file);
        try {
            Files.writeString(target, content, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw SafetensorsWriter.diskFailure(target, e);
        }
    }

    @Override
    public void close() {
        shards.values().forEach(SafetensorsWriter::close);
    }

    private void copy(String file) {
        Path from = source.folder().resolve(file);
        if (!Files.isRegularFile(from)) {
            return;
        }
        Path to = folder.resolve(file);
        try {
            Files.copy(from, to);
        } catch (IOException e) {
            throw SafetensorsWriter.diskFailure(to, e);
        }
    }

    private SafetensorsWriter shard(String tensor) {
        return Objects.requireNonNull(shards.get(Objects.requireNonNull(weightMap.get(tensor))));
    }

    /** The tensors of all layers, with their shapes after pruning. */
    private Map<String, List<Long>> layerTensors() {
        Map<String, List<Long>> tensors = new HashMap<>();
        for (int layer = 0; layer < shapes.size(); layer++) {
            tensors.putAll(architecture.layerTensors(layer, shapes.get(layer)));
        }
        return tensors;
    }

    private List<SafetensorsWriter.Planned> plan() {
        Map<String, List<Long>> layerTensors = layerTensors();
        return source.tensors().stream()
                .map(tensor -> new SafetensorsWriter.Planned(
                        tensor.name(), tensor.dtype(), layerTensors.getOrDefault(tensor.name(), tensor.shape())))
                .toList();
    }

    private static List<List<SafetensorsWriter.Planned>> split(List<SafetensorsWriter.Planned> plan, long shardBytes) {
        List<List<SafetensorsWriter.Planned>> parts = new ArrayList<>();
        long bytes = 0;
        for (SafetensorsWriter.Planned tensor : plan) {
            if (parts.isEmpty() || bytes + tensor.bytes() > shardBytes) {
                parts.add(new ArrayList<>());
                bytes = 0;
            }
            parts.getLast().add(tensor);
            bytes += tensor.bytes();
        }
        return parts;
    }
}
