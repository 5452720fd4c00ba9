package io.mosaic.engine.pruning.structured;

import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Gives each layer its own heads and MLP width. Every layer starts where its own wish is met best; what rounding to
 * whole groups leaves over, model-wide, goes step by step to the layers that it brings nearest to their wishes.
 */
final class PerLayerShapes {
    private final List<LayerShape> dense;
    private final List<Wish> wishes;
    private final int alignment;
    private final long target;
    private final long limit;
    private final List<LayerShape> shapes = new ArrayList<>(); // as chosen so far
    private long removed;

    /** Weights that a layer wishes to lose from its attention, and from all its projections. */
    private record Wish(double attention, double all) {}

    /** One layer takes another shape. */
    private record Change(int layer, LayerShape shape) {}

    /**
     * @param wished per projection; the target is their sum
     * @param alignment MLP widths below the dense one are multiples of it
     * @param limit weights that may be removed at most
     */
    PerLayerShapes(List<LayerShape> dense, SparsityAllocation wished, int alignment, long limit) {
        this.dense = dense;
        this.alignment = alignment;
        this.limit = limit;
        target = Math.round(wished.share(id -> true) * LayerShape.parameters(dense));
        wishes = IntStream.range(0, dense.size())
                .mapToObj(layer -> wish(wished, layer, dense.get(layer)))
                .toList();
        for (int layer = 0; layer < dense.size(); layer++) {
            LayerShape heads = heads(dense.get(layer), wishes.get(layer).attention());
            shapes.add(narrowed(heads, layer, wishes.get(layer).all()));
        }
        removed = LayerShape.parameters(dense) - LayerShape.parameters(shapes);
    }

    private static Wish wish(SparsityAllocation wished, int layer, LayerShape shape) {
        double attention = wished.share(id -> id.layer() == layer && id.role().attention());
        double mlp = wished.share(id -> id.layer() == layer && !id.role().attention());
        long size = shape.attentionParameters();
        return new Wish(attention * size, attention * size + mlp * (shape.parameters() - size));
    }

    /** Those that lose most without losing more than wished: heads are few and large, and channels make up for them. */
    private static LayerShape heads(LayerShape whole, double wished) {
        return StructuredPlan.headCounts(whole).stream()
                .filter(shape -> whole.parameters() - shape.parameters() <= wished + 0.5)
                .min(Comparator.comparingLong(LayerShape::parameters))
                .orElse(whole);
    }

    /** Model-wide within half a step of the target, unless no other shape of any one layer comes nearer. */
    List<LayerShape> fit() {
        long half = dense.getFirst().channelParameters() * alignment / 2;
        while (removed > limit || distance(removed) > half) {
            Optional<Change> change = step().or(this::jump);
            if (change.isEmpty()) {
                break;
            }
            removed = after(change.get());
            shapes.set(change.get().layer(), change.get().shape());
        }
        return List.copyOf(shapes);
    }

    /** The next width of the layer that is furthest from its wish. */
    private Optional<Change> step() {
        boolean more = removed <= limit && removed < target;
        return layers().map(layer -> new Change(layer, next(layer, more)))
                .filter(this::helps)
                .min(Comparator.comparingDouble(
                        change -> (more ? 1 : -1) * beyondWish(change.layer(), shapes.get(change.layer()))));
    }

    /** Where no width can make up for the heads: other heads, as near to the layer's wish as they can be. */
    private Optional<Change> jump() {
        return layers().flatMap(layer -> StructuredPlan.headCounts(dense.get(layer)).stream()
                        .map(heads -> narrowed(heads, layer, lost(layer, shapes.get(layer)) + target - removed))
                        .flatMap(shape -> Stream.of(shape, wider(layer, shape)))
                        .map(shape -> new Change(layer, shape)))
                .filter(this::helps)
                .min(Comparator.comparingDouble(change -> Math.abs(beyondWish(change.layer(), change.shape()))));
    }

    private Stream<Integer> layers() {
        return IntStream.range(0, dense.size()).boxed();
    }

    private boolean helps(Change change) {
        long after = after(change);
        return removed > limit ? after < removed : after <= limit && distance(after) < distance(removed);
    }

    private long distance(long lost) {
        return Math.abs(lost - target);
    }

    private long after(Change change) {
        return removed
                + shapes.get(change.layer()).parameters()
                - change.shape().parameters();
    }

    private long lost(int layer, LayerShape shape) {
        return dense.get(layer).parameters() - shape.parameters();
    }

    /** Share of a layer that it would lose beyond its wish. */
    private double beyondWish(int layer, LayerShape shape) {
        return (lost(layer, shape) - wishes.get(layer).all()) / dense.get(layer).parameters();
    }

    private LayerShape next(int layer, boolean narrower) {
        LayerShape shape = shapes.get(layer);
        int below = multipleBelow(shape.ffn());
        return narrower ? below > 0 ? shape.withFfn(below) : shape : wider(layer, shape);
    }

    private LayerShape wider(int layer, LayerShape shape) {
        return shape.withFfn(Math.min(shape.ffn() + alignment, dense.get(layer).ffn()));
    }

    /** The width that, with the heads given, takes the nearest to {@code loss} weights from a layer. */
    private LayerShape narrowed(LayerShape heads, int layer, double loss) {
        int whole = dense.get(layer).ffn();
        int most = multipleBelow(whole);
        if (most == 0) {
            return heads;
        }
        double wished = whole - (loss - lost(layer, heads)) / heads.channelParameters();
        int multiple = Math.clamp(Math.round(wished / alignment), 1, most / alignment) * alignment;
        return Math.abs(whole - wished) <= Math.abs(multiple - wished) ? heads : heads.withFfn(multiple);
    }

    /** 0 where there is none. */
    private int multipleBelow(int width) {
        return (width - 1) / alignment * alignment;
    }
}
