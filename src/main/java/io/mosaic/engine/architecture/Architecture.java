package io.mosaic.engine.architecture;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import tools.jackson.databind.node.ObjectNode;

/**
 * A decoder-only model as data: its layers, embedding and output head. Nothing else in the engine reads config.json.
 *
 * @param name the architecture's name in config.json, like {@code LlamaForCausalLM}
 * @param layers outermost first; they may differ
 * @param norm the norm before the output head
 * @param embeddingMultiplier factor of the token embeddings
 * @param tiedEmbeddings whether the output head is the embedding
 * @param names possible names of the decoder's tensors in checkpoints of the family, the most usual first
 * @param config the file that this was read from
 */
public record Architecture(
        String name,
        int hiddenSize,
        int vocabularySize,
        int contextLength,
        List<Layer> layers,
        Norm norm,
        double embeddingMultiplier,
        Logits logits,
        boolean tiedEmbeddings,
        List<TensorNames> names,
        ConfigDocument config) {
    public Architecture {
        layers = List.copyOf(layers);
        names = List.copyOf(names);
    }

    /** Number of decoder layers. */
    public int depth() {
        return layers.size();
    }

    public LayerSpec spec(int layer) {
        return layers.get(layer).spec();
    }

    public LayerShape shape(int layer) {
        return layers.get(layer).shape();
    }

    /** The shape of every layer. */
    public List<LayerShape> shapes() {
        return layers.stream().map(Layer::shape).toList();
    }

    /** The names of the decoder's tensors. */
    public TensorNames tensors() {
        return names.getFirst();
    }

    /** The tensor of the output head; the embedding, if the two are tied. */
    public String outputHead() {
        return tiedEmbeddings ? tensors().embedding() : tensors().outputHead();
    }

    /** The stored tensor of a map, without the ending {@code .weight} or {@code .bias}. */
    private String stored(MapId id) {
        return tensors().layer(id.layer())
                + spec(id.layer()).tensors().stored(id.role()).name();
    }

    /** The elements of a map's weight, (out, in), in a layer of this shape. */
    public TensorSlice weight(MapId id, LayerShape shape) {
        long in = shape.in(id.role());
        long first = spec(id.layer()).tensors().stored(id.role()).firstRow(id.role(), shape);
        return new TensorSlice(stored(id) + ".weight", first * in, shape.parameters(id.role()));
    }

    /** The elements of a map's bias, (out). */
    public TensorSlice bias(MapId id, LayerShape shape) {
        long first = spec(id.layer()).tensors().stored(id.role()).firstRow(id.role(), shape);
        return new TensorSlice(stored(id) + ".bias", first, shape.out(id.role()));
    }

    /** The weight of a norm that the layer has. */
    public TensorSlice norm(int layer, NormRole role, LayerShape shape) {
        String name = spec(layer).tensors().norms().get(role);
        return new TensorSlice(
                tensors().layer(layer) + name + ".weight", 0, spec(layer).width(role, shape));
    }

    /** Every tensor of a layer that has this shape, with the tensor's own shape. */
    public Map<String, List<Long>> layerTensors(int layer, LayerShape shape) {
        Map<String, List<Long>> all = new LinkedHashMap<>();
        LayerSpec spec = spec(layer);
        String prefix = tensors().layer(layer);
        for (StoredMap stored : spec.tensors().maps()) {
            MapRole first = stored.parts().getFirst();
            all.put(prefix + stored.name() + ".weight", List.of(stored.rows(shape), (long) shape.in(first)));
            if (spec.tensors().biases().contains(first)) {
                all.put(prefix + stored.name() + ".bias", List.of(stored.rows(shape)));
            }
        }
        for (NormRole role : spec.tensors().norms().keySet()) {
            TensorSlice norm = norm(layer, role, shape);
            all.put(norm.tensor(), List.of(norm.count()));
        }
        return all;
    }

    /** This model with the tensor names of its checkpoint: the first whose embedding exists. */
    public Architecture in(Predicate<String> tensors) {
        return names.stream()
                .filter(place -> tensors.test(place.embedding()))
                .findFirst()
                .map(place -> withNames(List.of(place)))
                .orElse(this);
    }

    /** The model with only some of the layers, in this order. */
    public Architecture keeping(List<Integer> kept) {
        return with(
                kept.stream().map(layers::get).toList(),
                embeddingMultiplier,
                logits,
                names,
                config.keeping(kept, layers));
    }

    /** config.json of the model with these layer shapes; entries not changed by pruning stay. */
    public ObjectNode written(List<LayerShape> shapes) {
        return config.written(shapes, tiedEmbeddings);
    }

    public Architecture withEmbeddingMultiplier(double factor) {
        return with(layers, factor, logits, names, config);
    }

    public Architecture withLogits(Logits other) {
        return with(layers, embeddingMultiplier, other, names, config);
    }

    public Architecture withNames(List<TensorNames> others) {
        return with(layers, embeddingMultiplier, logits, others, config);
    }

    private Architecture with(
            List<Layer> newLayers,
            double newMultiplier,
            Logits newLogits,
            List<TensorNames> newNames,
            ConfigDocument newConfig) {
        return new Architecture(
                name,
                hiddenSize,
                vocabularySize,
                contextLength,
                newLayers,
                norm,
                newMultiplier,
                newLogits,
                tiedEmbeddings,
                newNames,
                newConfig);
    }
}
