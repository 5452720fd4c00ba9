package io.mosaic.engine.architecture;

import java.util.List;

/**
 * A tensor of a layer that holds one map, or several fused along their output rows.
 *
 * @param name within the layer, without its ending: {@code self_attn.q_proj}
 * @param parts the maps, in the order of their rows
 */
public record StoredMap(String name, List<MapRole> parts) {
    public StoredMap {
        parts = List.copyOf(parts);
    }

    static StoredMap of(String name, MapRole... parts) {
        return new StoredMap(name, List.of(parts));
    }

    /** Rows of the whole tensor. */
    public long rows(LayerShape shape) {
        return parts.stream().mapToLong(shape::out).sum();
    }

    /** The first row of a part. */
    long firstRow(MapRole part, LayerShape shape) {
        return parts.subList(0, parts.indexOf(part)).stream()
                .mapToLong(shape::out)
                .sum();
    }
}
