package io.mosaic.engine.pruning.structured;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * The shape of every layer after structured removal, known before any weight is touched.
 *
 * @param before the dense shape of each layer
 * @param after the shape that each layer ends with
 * @param step the smallest change of the removed share that whole groups allow
 */
public record StructuredPlan(List<LayerShape> before, List<LayerShape> after, double step) {
    public StructuredPlan {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    /** A plan that removes nothing. */
    public static StructuredPlan none(List<LayerShape> layers) {
        return new StructuredPlan(layers, layers, 0);
    }

    /**
     * Uniform layouts near the target: head counts that the family's {@link HeadRule} allows, each with the MLP
     * width, a multiple of {@code alignment}, that comes closest; only those as close as whole channels allow. The
     * first is the one whose attention loses most without exceeding its part, as heads are few and large and channels
     * make up the rest; then those that keep more heads, then those that keep fewer.
     *
     * @param wished the desired structured part of the removal, spread over the projections
     * @param limit weights that may be removed at most
     * @throws MosaicException STRUCTURE_TOO_COARSE if none is within the limit, INVALID_REQUEST if the layers already
     *     differ
     */
    public static List<StructuredPlan> uniform(
            List<LayerShape> layers, SparsityAllocation wished, int alignment, long limit) {
        requireAlike(layers);
        LayerShape shape = layers.getFirst();
        long target = Math.round(wished.share(id -> true) * LayerShape.parameters(layers));
        double step = (double) shape.channelParameters() * alignment / shape.parameters();
        List<StructuredPlan> all = new ArrayList<>();
        for (LayerShape heads : headCounts(shape)) {
            widths(heads, alignment).stream()
                    .map(width -> new StructuredPlan(layers, Collections.nCopies(layers.size(), width), step))
                    .filter(plan -> plan.removedParameters() <= limit)
                    .min(Comparator.comparingLong(plan -> plan.distance(target)))
                    .ifPresent(all::add);
        }
        long nearest = all.stream()
                .mapToLong(plan -> plan.distance(target))
                .min()
                .orElseThrow(() -> new MosaicException(
                        ErrorCode.STRUCTURE_TOO_COARSE,
                        String.format(
                                Locale.ROOT,
                                "No whole heads and MLP channels (in multiples of %d) stay within the removable share",
                                alignment)));
        Predicate<MapId> attention = id -> id.role().attention();
        double wishedHeads = wished.share(attention) * shape.attentionParameters() + 0.5;
        double near = Math.max(nearest, step * LayerShape.parameters(layers) / 2);
        return all.stream()
                .filter(plan -> plan.distance(target) <= near)
                .sorted(Comparator.comparing((StructuredPlan plan) -> plan.attentionRemoved() > wishedHeads)
                        .thenComparingDouble(plan -> Math.abs(plan.attentionRemoved() - wishedHeads)))
                .toList();
    }

    /**
     * Each layer with its own heads and MLP width: it loses as many heads as its attention may, channels make up the
     * rest of its loss, and all layers together are within half a step of the target if possible. Head counts are as in
     * {@link #uniform}; widths are multiples of {@code alignment} or the dense width.
     *
     * @param wished the desired structured part of the removal, spread over the projections
     * @param limit weights that may be removed at most
     */
    public static StructuredPlan perLayer(
            List<LayerShape> layers, SparsityAllocation wished, int alignment, long limit) {
        double step = (double) layers.getFirst().channelParameters() * alignment / LayerShape.parameters(layers);
        return new StructuredPlan(layers, new PerLayerShapes(layers, wished, alignment, limit).fit(), step);
    }

    /** @throws MosaicException INVALID_REQUEST if layers differ, which the uniform layout does not allow */
    public static void requireAlike(List<LayerShape> layers) {
        for (int layer = 1; layer < layers.size(); layer++) {
            if (!layers.get(layer).equals(layers.getFirst())) {
                throw new MosaicException(
                        ErrorCode.INVALID_REQUEST,
                        "Layer " + layer + " of this model has another shape than layer 0, and layout " + Layout.UNIFORM
                                + " needs layers that are alike; use layout " + Layout.PER_LAYER);
            }
        }
    }

    private long distance(long target) {
        return Math.abs(removedParameters() - target);
    }

    /** Weights removed from the attention of one layer. */
    private long attentionRemoved() {
        return before.getFirst().attentionParameters() - after.getFirst().attentionParameters();
    }

    /** Weights removed physically. */
    public long removedParameters() {
        long removed = 0;
        for (int layer = 0; layer < before.size(); layer++) {
            removed += before.get(layer).parameters() - after.get(layer).parameters();
        }
        return removed;
    }

    /** All ways to keep whole KV groups and the same number of query heads in each. */
    static List<LayerShape> headCounts(LayerShape shape) {
        List<LayerShape> counts = new ArrayList<>();
        for (int groups = shape.keyValueHeads(); groups >= 1; groups--) {
            for (int perGroup = shape.headsPerGroup(); perGroup >= 1; perGroup--) {
                int heads = groups * perGroup;
                if (shape.headRule().allows(heads, shape.heads(), shape.hidden())) {
                    counts.add(shape.withHeads(heads, groups));
                }
            }
        }
        return counts;
    }

    private static List<LayerShape> widths(LayerShape heads, int alignment) {
        List<LayerShape> shapes = new ArrayList<>();
        shapes.add(heads);
        for (int width = (heads.ffn() - 1) / alignment * alignment; width > 0; width -= alignment) {
            shapes.add(heads.withFfn(width));
        }
        return shapes;
    }
}
