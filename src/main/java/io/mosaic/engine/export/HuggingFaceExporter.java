package io.mosaic.engine.export;

import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.ProjectionId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a pruned model as a Hugging Face folder: weights in the source's number formats, layer by layer as they come;
 * config.json with the new shapes; everything else byte for byte. Close without {@link #finish} leaves a torso that the
 * caller deletes.
 */
public final class HuggingFaceExporter implements AutoCloseable {
    /** As large as the hub's own tools make a shard. */
    private static final long SHARD_BYTES = 5_000_000_000L;

    private static final JsonMapper JSON = JsonMapper.shared();

    /** What an export takes over unchanged, where the source has it. */
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
    private final List<LayerShape> shapes;
    private final Map<String, String> weightMap = new LinkedHashMap<>();
    private final Map<String, SafetensorsWriter> shards = new LinkedHashMap<>();
    private final long totalBytes;

    /**
     * Lays out the weight files.
     *
     * @param folder exists and is empty
     * @param shapes of each layer after pruning
     */
    public HuggingFaceExporter(Path folder, Checkpoint source, List<LayerShape> shapes) {
        this(folder, source, shapes, SHARD_BYTES);
    }

    /** @param shardBytes no file holds more, unless a single tensor does */
    HuggingFaceExporter(Path folder, Checkpoint source, List<LayerShape> shapes, long shardBytes) {
        this.folder = folder;
        this.source = source;
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
     * Writes the projections of one layer.
     *
     * @return zeros of each as stored
     */
    public Map<Projection, Long> write(int index, LayerWeights layer) {
        Map<Projection, Long> zeros = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            String name = projection.tensor(index);
            zeros.put(projection, shard(name).write(name, layer.weight(projection)));
        }
        return zeros;
    }

    /** Completes weights and config.json, and copies the source's other files. */
    public void finish() {
        Map<String, ProjectionId> prunable = prunable();
        for (String name : weightMap.keySet()) {
            if (!prunable.containsKey(name)) {
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
        write(ModelConfig.FILE, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(config()));
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

    private Map<String, ProjectionId> prunable() {
        Map<String, ProjectionId> prunable = new HashMap<>();
        for (int layer = 0; layer < shapes.size(); layer++) {
            for (Projection projection : Projection.values()) {
                ProjectionId id = new ProjectionId(layer, projection);
                prunable.put(id.tensor(), id);
            }
        }
        return prunable;
    }

    private List<SafetensorsWriter.Planned> plan() {
        Map<String, ProjectionId> prunable = prunable();
        List<SafetensorsWriter.Planned> plan = new ArrayList<>();
        for (TensorInfo tensor : source.tensors()) {
            DType dtype = tensor.dtype();
            ProjectionId id = prunable.get(tensor.name());
            if (id == null) {
                plan.add(new SafetensorsWriter.Planned(tensor.name(), dtype, tensor.shape()));
            } else {
                LayerShape shape = shapes.get(id.layer());
                plan.add(new SafetensorsWriter.Planned(
                        tensor.name(), dtype, List.of((long) shape.out(id.projection()), (long)
                                shape.in(id.projection()))));
            }
        }
        return plan;
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

    /** The source's document with the entries that pruning changes; unknown entries stay. */
    private ObjectNode config() {
        ModelConfig config = source.config();
        ObjectNode document = config.document().deepCopy();
        document.remove(List.of("quantization_config", "auto_map"));
        document.put("head_dim", shapes.getFirst().headDim());
        document.set("num_attention_heads", sizes(LayerShape::heads));
        document.set("num_key_value_heads", sizes(LayerShape::keyValueHeads));
        document.set("intermediate_size", sizes(LayerShape::ffn));
        document.put("tie_word_embeddings", config.tiedEmbeddings());
        return document;
    }

    private JsonNode sizes(Function<LayerShape, Integer> size) {
        return JSON.valueToTree(LayerShape.sizes(shapes, size));
    }
}
