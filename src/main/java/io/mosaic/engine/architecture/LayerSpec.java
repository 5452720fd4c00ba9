package io.mosaic.engine.architecture;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The computation of one decoder layer and the storage of its weights, apart from its sizes. With N a norm of the
 * layer, or the identity where it has none: h = x + r·N(attention(N(x))), then h + r·N(mlp(N(h))).
 *
 * @param norm of every norm in the layer
 * @param rotary empty if positions are not embedded
 * @param residualMultiplier r
 */
public record LayerSpec(
        LayerTensors tensors,
        Norm norm,
        QueryKeyNorm queryKeyNorm,
        Optional<Rotary> rotary,
        AttentionRule attention,
        Activation activation,
        double residualMultiplier) {

    /** A Llama layer: norms before both blocks, all tokens visible, silu. */
    public static LayerSpec llama(Norm norm, Rotary rotary, int headDim) {
        return new LayerSpec(
                LayerTensors.LLAMA,
                norm,
                QueryKeyNorm.NONE,
                Optional.of(rotary),
                AttentionRule.usual(headDim),
                Activation.SILU,
                1);
    }

    /** Whether the layer sees only a window of tokens. */
    public boolean windowed() {
        return attention.window().isPresent();
    }

    /** Elements of a norm's weight. */
    public int width(NormRole role, LayerShape shape) {
        return switch (role) {
            case BEFORE_ATTENTION, AFTER_ATTENTION, BEFORE_MLP, AFTER_MLP -> shape.hidden();
            case QUERY -> queryKeyNorm == QueryKeyNorm.PER_HEAD ? shape.headDim() : shape.out(MapRole.Q);
            case KEY -> queryKeyNorm == QueryKeyNorm.PER_HEAD ? shape.headDim() : shape.out(MapRole.K);
        };
    }

    public LayerSpec withTensors(LayerTensors others) {
        return new LayerSpec(others, norm, queryKeyNorm, rotary, attention, activation, residualMultiplier);
    }

    /** With norms of queries and keys. */
    public LayerSpec withQueryKeyNorm(QueryKeyNorm scope) {
        return new LayerSpec(
                tensors.withQueryKeyNorms(), norm, scope, rotary, attention, activation, residualMultiplier);
    }

    public LayerSpec withRotary(Rotary other) {
        return new LayerSpec(
                tensors, norm, queryKeyNorm, Optional.of(other), attention, activation, residualMultiplier);
    }

    public LayerSpec withoutRotary() {
        return new LayerSpec(tensors, norm, queryKeyNorm, Optional.empty(), attention, activation, residualMultiplier);
    }

    public LayerSpec withWindow(OptionalInt tokens) {
        return withAttention(new AttentionRule(attention.scale(), tokens, attention.softcap()));
    }

    public LayerSpec withScores(double scale, OptionalDouble softcap) {
        return withAttention(new AttentionRule(scale, attention.window(), softcap));
    }

    private LayerSpec withAttention(AttentionRule other) {
        return new LayerSpec(tensors, norm, queryKeyNorm, rotary, other, activation, residualMultiplier);
    }

    public LayerSpec withActivation(Activation other) {
        return new LayerSpec(tensors, norm, queryKeyNorm, rotary, attention, other, residualMultiplier);
    }

    public LayerSpec withResidualMultiplier(double factor) {
        return new LayerSpec(tensors, norm, queryKeyNorm, rotary, attention, activation, factor);
    }
}
