package io.mosaic.engine.architecture;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/** One value for each map of a layer. */
public final class PerMap<T> {
    private final Map<MapRole, T> values;

    private PerMap(Map<MapRole, T> values) {
        this.values = values;
    }

    /** The values of {@code value}, in the order of the maps. */
    public static <T> PerMap<T> of(List<MapRole> maps, Function<MapRole, ? extends T> value) {
        Map<MapRole, T> values = new EnumMap<>(MapRole.class);
        maps.forEach(role -> values.put(role, value.apply(role)));
        return new PerMap<>(values);
    }

    /** @param values at least one */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static <T> PerMap<T> of(Map<MapRole, T> values) {
        return new PerMap<>(new EnumMap<>(values));
    }

    /** @throws IllegalArgumentException if the layer has no such map */
    public T get(MapRole role) {
        T value = values.get(role);
        if (value == null) {
            throw new IllegalArgumentException("The layer has no " + role.label());
        }
        return value;
    }

    /** The function's values for the same maps. */
    public <R> PerMap<R> map(Function<? super T, ? extends R> function) {
        return of(maps(), role -> function.apply(get(role)));
    }

    /** The function's values for the same maps, computed from map and value. */
    public <R> PerMap<R> map(BiFunction<MapRole, ? super T, ? extends R> function) {
        return of(maps(), role -> function.apply(role, get(role)));
    }

    /** These values with one map's replaced. */
    public PerMap<T> with(MapRole role, T value) {
        return of(maps(), each -> each == role ? value : get(each));
    }

    /** The maps, in order. */
    public List<MapRole> maps() {
        return List.copyOf(values.keySet());
    }

    /** The values, in the order of the maps. */
    public Collection<T> values() {
        return List.copyOf(values.values());
    }

    public void forEach(BiConsumer<MapRole, T> action) {
        values.forEach(action);
    }

    @JsonValue
    Map<MapRole, T> asMap() {
        return values;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PerMap<?> perMap && values.equals(perMap.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
