package io.mosaic.engine.search;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.SegmentStore;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Every projection of a model pruned to each of several levels, in bfloat16, from which a model of any allocation can
 * be assembled (EvoPress, arXiv 2410.14649, section 3): a share between two levels takes some rows from one and the
 * others from the next. Close frees it.
 */
final class PrunedLevels implements AutoCloseable {
    private static final DType FORMAT = DType.BF16;

    private final List<Double> levels;
    private final Map<MapId, Long> offsets = new HashMap<>();
    private final Map<MapId, Integer> widths = new HashMap<>();
    private final Map<MapId, Long> sizes = new HashMap<>();
    private final SegmentStore store;

    /**
     * @param shapes of the layers whose projections are pruned
     * @param levels shares, ascending, at least two
     */
    PrunedLevels(Scratch scratch, List<LayerShape> shapes, List<Double> levels) {
        this.levels = List.copyOf(levels);
        long end = 0;
        for (int layer = 0; layer < shapes.size(); layer++) {
            LayerShape shape = shapes.get(layer);
            for (var role : shape.maps()) {
                MapId id = new MapId(layer, role);
                offsets.put(id, end);
                widths.put(id, shape.in(role));
                sizes.put(id, shape.parameters(role));
                end += levels.size() * shape.parameters(role) * FORMAT.bytes();
            }
        }
        store = SegmentStore.open(scratch, end, "pruned levels");
    }

    /** Bytes of the levels of a model. */
    static long bytes(List<LayerShape> shapes, int levels) {
        return LayerShape.parameters(shapes) * levels * FORMAT.bytes();
    }

    void put(MapId id, int level, float[] weight) {
        MemorySegment target = segment(id, level);
        FORMAT.narrow(weight, 0, target, weight.length);
        store.release(target);
    }

    /** A projection at one level, (out, in), row-major. */
    float[] at(MapId id, int level) {
        float[] weight = new float[Math.toIntExact(size(id))];
        FORMAT.widen(segment(id, level), weight, 0, weight.length);
        return weight;
    }

    /**
     * A projection from rows of the two levels around a share.
     *
     * @param share from the lowest to the highest level; beyond them, the nearest
     */
    float[] assembled(MapId id, double share) {
        int above = 1;
        while (above < levels.size() - 1 && levels.get(above) < share) {
            above++;
        }
        double low = levels.get(above - 1);
        double part = Math.clamp((share - low) / (levels.get(above) - low), 0, 1);
        float[] weight = new float[Math.toIntExact(size(id))];
        int in = Objects.requireNonNull(widths.get(id));
        MemorySegment lower = segment(id, above - 1);
        MemorySegment upper = segment(id, above);
        for (int row = 0; row < weight.length / in; row++) {
            boolean up = (long) ((row + 1) * part) > (long) (row * part);
            MemorySegment source =
                    (up ? upper : lower).asSlice((long) row * in * FORMAT.bytes(), (long) in * FORMAT.bytes());
            FORMAT.widen(source, weight, row * in, in);
        }
        return weight;
    }

    private long size(MapId id) {
        return Objects.requireNonNull(sizes.get(id));
    }

    private MemorySegment segment(MapId id, int level) {
        long bytes = size(id) * FORMAT.bytes();
        return store.slice(Objects.requireNonNull(offsets.get(id)) + level * bytes, bytes);
    }

    @Override
    public void close() {
        store.close();
    }
}
