package io.mosaic.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.core.Linear;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * A Llama that can learn: tied embeddings, plain operations only, since gradients do not flow through the engine's
 * tensors. Tensors are named, shaped and laid out as in a checkpoint.
 */
final class TrainableLlama {
    private static final double DEVIATION = 0.02; // of first weights

    private final TinyLlama design;
    private final LayerShape shape;
    private final Map<String, NDArray> weights = new LinkedHashMap<>();
    private final NDArray cos; // (context, headDim)
    private final NDArray sin; // (context, headDim)
    private final NDArray future; // (context, context), so low that softmax gives nothing to later tokens

    /** Untrained, from the design's seed. */
    TrainableLlama(NDManager manager, TinyLlama design) {
        this.design = design;
        shape = design.shape();
        Random random = new Random(design.seed());
        for (SafetensorsWriter.Planned tensor : design.tensors()) {
            float[] values = new float[Math.toIntExact(tensor.elements())];
            if (tensor.shape().size() == 1) {
                Arrays.fill(values, 1);
            } else {
                double deviation = deviation(tensor.name());
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (deviation * random.nextGaussian());
                }
            }
            long[] dimensions =
                    tensor.shape().stream().mapToLong(Long::longValue).toArray();
            NDArray weight = Tensors.of(manager, values, dimensions);
            weight.setRequiresGradient(true);
            weights.put(tensor.name(), weight);
        }
        int context = design.context();
        float[] cosines = new float[context * shape.headDim()];
        float[] sines = new float[cosines.length];
        float[] later = new float[context * context];
        int pairs = shape.headDim() / 2;
        for (int position = 0; position < context; position++) {
            for (int i = 0; i < shape.headDim(); i++) {
                double angle = position
                        * Math.pow(
                                design.architecture()
                                        .spec(0)
                                        .rotary()
                                        .orElseThrow()
                                        .theta(),
                                -(double) (i % pairs) / pairs);
                cosines[position * shape.headDim() + i] = (float) Math.cos(angle);
                sines[position * shape.headDim() + i] = (float) Math.sin(angle);
            }
            Arrays.fill(later, position * context + position + 1, (position + 1) * context, -1e9f);
        }
        cos = Tensors.of(manager, cosines, context, shape.headDim());
        sin = Tensors.of(manager, sines, context, shape.headDim());
        future = Tensors.of(manager, later, context, context);
    }

    /** What writes to the residual stream starts smaller, the more of it there is. */
    private double deviation(String tensor) {
        boolean writes = tensor.contains("o_proj") || tensor.contains("down_proj");
        return writes ? DEVIATION / Math.sqrt(2.0 * design.layers()) : DEVIATION;
    }

    /** By their names in a checkpoint. */
    Map<String, NDArray> weights() {
        return weights;
    }

    /** Writes config.json and the weights, over those that are there. */
    void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(ConfigReader.FILE), design.document().toPrettyString());
        Path file = folder.resolve(Checkpoint.SINGLE_FILE);
        Files.deleteIfExists(file);
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, design.tensors())) {
            weights.forEach((name, weight) -> writer.write(name, weight.toFloatArray()));
            writer.finish();
        }
    }

    /** Logits (windows · tokens, vocabulary), in {@code scope}, for windows as long as the context. */
    NDArray logits(NDManager scope, int[][] windows) {
        int[] ids = Arrays.stream(windows).flatMapToInt(Arrays::stream).toArray();
        NDArray tokens = scope.create(ids, new Shape(windows.length, design.context()));
        NDArray x = Embedding.embedding(tokens, weight(LlamaNames.EMBEDDING), SparseFormat.DENSE)
                .head();
        for (int layer = 0; layer < design.layers(); layer++) {
            x = x.add(attention(layer, norm(x, LlamaNames.attentionNorm(layer))));
            x = x.add(mlp(layer, norm(x, LlamaNames.mlpNorm(layer))));
        }
        x = norm(x, LlamaNames.FINAL_NORM).reshape(-1, shape.hidden());
        return Linear.linear(x, weight(LlamaNames.EMBEDDING)).head();
    }

    private NDArray attention(int layer, NDArray x) {
        long windows = x.getShape().get(0);
        long tokens = x.getShape().get(1);
        NDArray q = rotate(heads(project(x, layer, MapRole.Q), shape.headsPerGroup()));
        NDArray k = rotate(heads(project(x, layer, MapRole.K), 1));
        NDArray v = heads(project(x, layer, MapRole.V), 1);
        // the query heads of a group stand below each other against its one KV head
        long rows = shape.headsPerGroup() * tokens;
        NDArray scores = stack(q, rows)
                .matMul(stack(k, tokens).transpose(0, 1, 3, 2))
                .mul(1 / Math.sqrt(shape.headDim()))
                .reshape(windows, shape.keyValueHeads(), shape.headsPerGroup(), tokens, tokens)
                .add(future);
        return project(
                scores.softmax(-1)
                        .reshape(windows, shape.keyValueHeads(), rows, tokens)
                        .matMul(stack(v, tokens))
                        .reshape(windows, shape.heads(), tokens, shape.headDim())
                        .transpose(0, 2, 1, 3)
                        .reshape(windows, tokens, (long) shape.heads() * shape.headDim()),
                layer,
                MapRole.O);
    }

    private NDArray mlp(int layer, NDArray x) {
        NDArray gate = project(x, layer, MapRole.GATE);
        NDArray activated = gate.mul(Activation.sigmoid(gate)).mul(project(x, layer, MapRole.UP));
        return project(activated, layer, MapRole.DOWN);
    }

    /** (windows, tokens, heads · headDim) to (windows, keyValueHeads, perGroup, tokens, headDim). */
    private NDArray heads(NDArray x, int perGroup) {
        return x.reshape(x.getShape().get(0), x.getShape().get(1), shape.keyValueHeads(), perGroup, shape.headDim())
                .transpose(0, 2, 3, 1, 4);
    }

    private NDArray stack(NDArray heads, long rows) {
        return heads.reshape(heads.getShape().get(0), shape.keyValueHeads(), rows, shape.headDim());
    }

    private NDArray rotate(NDArray x) {
        int pairs = shape.headDim() / 2;
        NDArray first = x.get(new NDIndex("...,:{}", pairs));
        NDArray second = x.get(new NDIndex("...,{}:", pairs));
        return x.mul(cos)
                .add(NDArrays.concat(new NDList(second.neg(), first), -1).mul(sin));
    }

    private NDArray norm(NDArray x, String tensor) {
        NDArray square = x.square().mean(new int[] {-1}, true);
        return x.div(square.add(design.architecture().norm().epsilon()).sqrt()).mul(weight(tensor));
    }

    private NDArray project(NDArray x, int layer, MapRole projection) {
        return Linear.linear(x, weight(LlamaNames.weight(layer, projection))).head();
    }

    private NDArray weight(String tensor) {
        return Objects.requireNonNull(weights.get(tensor));
    }
}
