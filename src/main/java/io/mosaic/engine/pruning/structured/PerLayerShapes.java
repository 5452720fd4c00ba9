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
 * Gives each layer its own heads and MLP width. Every layer starts with the shape that best meets its own wish; the
 * model-wide remainder from rounding to whole groups is distributed step by step to the layers that it brings closest
 * to their wishes.
 */
final class PerLayerShapes {
    private final List<LayerShape> dense;
    private final List<Wish> wishes;
    private final int alignment;
    private final long target;
    private final long limit;
    private final List<LayerShape> shapes = new ArrayList<>(); // chosen so far
    private long removed;

    /** Weights that a layer wishes to lose from its attention, and from all its projections. */
    private record Wish(double attention, double all) {}

    /** A change of one layer to another shape. */
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

    /**
     * The head counts that lose most without exceeding the wish: heads are few and large, and channels make up the
     * rest.
     */
    private static LayerShape heads(LayerShape whole, double wished) {
        return StructuredPlan.headCounts(whole).stream()
                .filter(shape -> whole.parameters() - shape.parameters() <= wished + 0.5)
                .min(Comparator.comparingLong(LayerShape::parameters))
                .orElse(whole);
    }

    /** Changes shapes until the model is within half a step of the target, or no change of one layer comes closer. */
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

    /** The next width for the layer furthest from its wish. */
    private Optional<Change> step() {
        boolean more = removed <= limit && removed < target;
        return layers().map(layer -> new Change(layer, next(layer, more)))
                .filter(this::helps)
                .min(Comparator.comparingDouble(
                        change -> (more ? 1 : -1) * beyondWish(change.layer(), shapes.get(change.layer()))));
    }

    /** Other head counts, as close to the layer's wish as possible, where no width can make up for the current ones. */
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

    /** Share of a layer lost beyond its wish. */
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

    /** The shape with the given heads and the width that removes closest to {@code loss} weights from a layer. */
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

    /** The largest multiple of the alignment below {@code width}; 0 if there is none. */
    private int multipleBelow(int width) {
        return (width - 1) / alignment * alignment;
    }
}
