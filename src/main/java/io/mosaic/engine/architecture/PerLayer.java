package io.mosaic.engine.architecture;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;

/**
 * A size of each decoder layer; as JSON, one number if all layers have the same, else a list.
 *
 * @param values outermost first; a single one applies to every layer
 */
public record PerLayer(List<Integer> values) {
    public PerLayer {
        values = values.stream().distinct().count() == 1 ? List.of(values.getFirst()) : List.copyOf(values);
    }

    /** One size for every layer. */
    public static PerLayer of(int value) {
        return new PerLayer(List.of(value));
    }

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    static PerLayer of(Object written) {
        return switch (written) {
            case Integer value -> of(value.intValue());
            case List<?> list ->
                new PerLayer(list.stream().map(Integer.class::cast).toList());
            default -> throw new IllegalArgumentException("No sizes of layers: " + written);
        };
    }

    /** The size of one layer. */
    public int at(int layer) {
        return values.size() == 1 ? values.getFirst() : values.get(layer);
    }

    @JsonValue
    Object written() {
        return values.size() == 1 ? values.getFirst() : values;
    }
}
