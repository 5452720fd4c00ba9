package io.mosaic.engine.decoder;

import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.architecture.RotaryKind;
import java.util.List;

/** Radians per position of each rotated pair, and the factor of its sine and cosine. */
final class RotaryFrequencies {
    private RotaryFrequencies() {}

    /**
     * One frequency for each of the width / 2 pairs.
     *
     * @param tokens length of the whole text, on which some kinds depend
     */
    static double[] of(Rotary rotary, int tokens) {
        double theta = switch (rotary.kind()) {
            case RotaryKind.Dynamic dynamic -> grown(rotary, dynamic, tokens);
            case RotaryKind.Default plain -> rotary.theta();
            case RotaryKind.Linear linear -> rotary.theta();
            case RotaryKind.Llama3 llama3 -> rotary.theta();
            case RotaryKind.Yarn yarn -> rotary.theta();
            case RotaryKind.LongRope longRope -> rotary.theta();
        };
        double[] frequencies = new double[rotary.width() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double base = Math.pow(theta, -2.0 * i / rotary.width());
            frequencies[i] = switch (rotary.kind()) {
                case RotaryKind.Default plain -> base;
                case RotaryKind.Dynamic dynamic -> base;
                case RotaryKind.Linear linear -> base / linear.factor();
                case RotaryKind.Llama3 llama3 -> scaled(base, llama3);
                case RotaryKind.Yarn yarn -> ramped(base, i, rotary, yarn);
                case RotaryKind.LongRope longRope ->
                    base / factors(longRope, tokens).get(i);
            };
        }
        return frequencies;
    }

    /** Factor of sine and cosine. */
    static double amplitude(Rotary rotary) {
        return switch (rotary.kind()) {
            case RotaryKind.Yarn yarn -> yarn.amplitude();
            case RotaryKind.LongRope longRope -> longRope.amplitude();
            case RotaryKind.Default plain -> 1;
            case RotaryKind.Linear linear -> 1;
            case RotaryKind.Dynamic dynamic -> 1;
            case RotaryKind.Llama3 llama3 -> 1;
        };
    }

    /** Length of the shortest text with the same frequencies as one of {@code tokens} tokens. */
    static int shortestAlike(Rotary rotary, int tokens) {
        return switch (rotary.kind()) {
            case RotaryKind.LongRope longRope ->
                tokens > longRope.originalContext() ? longRope.originalContext() + 1 : 1;
            case RotaryKind.Dynamic dynamic -> tokens > dynamic.originalContext() ? tokens : 1;
            case RotaryKind.Default plain -> 1;
            case RotaryKind.Linear linear -> 1;
            case RotaryKind.Llama3 llama3 -> 1;
            case RotaryKind.Yarn yarn -> 1;
        };
    }

    /** The longest text past which the keys of all its tokens are rotated again rather than kept as they were. */
    static int keptUpTo(Rotary rotary) {
        return switch (rotary.kind()) {
            case RotaryKind.LongRope longRope -> longRope.originalContext();
            case RotaryKind.Dynamic dynamic -> Integer.MAX_VALUE; // transformers keeps them
            case RotaryKind.Default plain -> Integer.MAX_VALUE;
            case RotaryKind.Linear linear -> Integer.MAX_VALUE;
            case RotaryKind.Llama3 llama3 -> Integer.MAX_VALUE;
            case RotaryKind.Yarn yarn -> Integer.MAX_VALUE;
        };
    }

    private static double grown(Rotary rotary, RotaryKind.Dynamic dynamic, int tokens) {
        double stretch = dynamic.factor() * Math.max(tokens, dynamic.originalContext()) / dynamic.originalContext()
                - (dynamic.factor() - 1);
        return rotary.theta() * Math.pow(stretch, rotary.width() / (rotary.width() - 2.0));
    }

    private static double scaled(double frequency, RotaryKind.Llama3 scaling) {
        double turns = scaling.originalContext() * frequency / (2 * Math.PI); // full turns within the first context
        if (turns < scaling.lowFrequencyFactor()) {
            return frequency / scaling.factor();
        }
        if (turns > scaling.highFrequencyFactor()) {
            return frequency;
        }
        double smooth =
                (turns - scaling.lowFrequencyFactor()) / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
        return (1 - smooth) * frequency / scaling.factor() + smooth * frequency;
    }

    private static double ramped(double frequency, int pair, Rotary rotary, RotaryKind.Yarn yarn) {
        double low = pairOf(yarn.betaFast(), rotary, yarn);
        double high = pairOf(yarn.betaSlow(), rotary, yarn);
        if (yarn.truncate()) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, rotary.width() - 1);
        double width = high == low ? 0.001 : high - low;
        double divided = Math.clamp((pair - low) / width, 0, 1);
        return frequency / yarn.factor() * divided + frequency * (1 - divided);
    }

    /** The pair, not rounded, that makes this many turns within the original context. */
    private static double pairOf(double turns, Rotary rotary, RotaryKind.Yarn yarn) {
        return rotary.width()
                * Math.log(yarn.originalContext() / (turns * 2 * Math.PI))
                / (2 * Math.log(rotary.theta()));
    }

    private static List<Double> factors(RotaryKind.LongRope longRope, int tokens) {
        return tokens > longRope.originalContext() ? longRope.longFactors() : longRope.shortFactors();
    }
}
