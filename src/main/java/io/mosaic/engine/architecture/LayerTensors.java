package io.mosaic.engine.architecture;

import static io.mosaic.engine.architecture.MapRole.DOWN;
import static io.mosaic.engine.architecture.MapRole.GATE;
import static io.mosaic.engine.architecture.MapRole.K;
import static io.mosaic.engine.architecture.MapRole.O;
import static io.mosaic.engine.architecture.MapRole.Q;
import static io.mosaic.engine.architecture.MapRole.UP;
import static io.mosaic.engine.architecture.MapRole.V;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of one decoder layer, by their names within it.
 *
 * @param maps tensors of the linear maps, alone or fused, in the order of writing
 * @param biases maps with a bias, stored beside the weight
 * @param norms the norms of the layer
 */
public record LayerTensors(List<StoredMap> maps, Set<MapRole> biases, Map<NormRole, String> norms) {
    /** Llama's tensors, shared by most families. */
    public static final LayerTensors LLAMA = new LayerTensors(
            List.of(
                    StoredMap.of("self_attn.q_proj", Q),
                    StoredMap.of("self_attn.k_proj", K),
                    StoredMap.of("self_attn.v_proj", V),
                    StoredMap.of("self_attn.o_proj", O),
                    StoredMap.of("mlp.gate_proj", GATE),
                    StoredMap.of("mlp.up_proj", UP),
                    StoredMap.of("mlp.down_proj", DOWN)),
            Set.of(),
            Map.of(
                    NormRole.BEFORE_ATTENTION, "input_layernorm",
                    NormRole.BEFORE_MLP, "post_attention_layernorm"));

    public LayerTensors {
        maps = List.copyOf(maps);
        Set<MapRole> ordered = EnumSet.noneOf(MapRole.class);
        ordered.addAll(biases);
        biases = Collections.unmodifiableSet(ordered);
        for (StoredMap stored : maps) {
            if (stored.parts().stream().map(ordered::contains).distinct().count() > 1) {
                throw new IllegalArgumentException("Only some parts of " + stored.name() + " have a bias");
            }
        }
        Map<NormRole, String> names = new EnumMap<>(NormRole.class);
        names.putAll(norms);
        norms = Collections.unmodifiableMap(names);
    }

    /** The tensor that holds a map. */
    public StoredMap stored(MapRole role) {
        return maps.stream()
                .filter(stored -> stored.parts().contains(role))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("The layer has no " + role.label()));
    }

    /** These tensors with several maps fused into one, in the place of the first. */
    public LayerTensors fused(String name, MapRole... parts) {
        StoredMap fused = StoredMap.of(name, parts);
        List<StoredMap> all = new ArrayList<>();
        for (StoredMap stored : maps) {
            if (stored.parts().contains(parts[0])) {
                all.add(fused);
            } else if (!fused.parts().containsAll(stored.parts())) {
                all.add(stored);
            }
        }
        return new LayerTensors(all, biases, norms);
    }

    /** These tensors with additional biases. */
    public LayerTensors withBiases(Collection<MapRole> more) {
        Set<MapRole> all = EnumSet.noneOf(MapRole.class);
        all.addAll(biases);
        all.addAll(more);
        return new LayerTensors(maps, all, norms);
    }

    /** These tensors with other norms of the residual stream. */
    public LayerTensors withNorms(Map<NormRole, String> others) {
        return new LayerTensors(maps, biases, others);
    }

    LayerTensors withQueryKeyNorms() {
        Map<NormRole, String> all = new EnumMap<>(norms);
        all.put(NormRole.QUERY, "self_attn.q_norm");
        all.put(NormRole.KEY, "self_attn.k_norm");
        return new LayerTensors(maps, biases, all);
    }
}
