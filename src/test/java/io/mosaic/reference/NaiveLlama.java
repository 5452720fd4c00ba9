package io.mosaic.reference;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.fixture.LlamaNames;
import java.util.EnumMap;
import java.util.Map;

/** The Llama decoder in double precision, token by token and head by head. */
public final class NaiveLlama {
    private NaiveLlama() {}

    /**
     * One layer's forward pass.
     *
     * @param sites what the projections read, (tokens, width)
     * @param output (tokens, hidden)
     */
    public record Pass(Map<Site, double[][]> sites, double[][] output) {}

    /** x / sqrt(mean(x²) + ε) · weight, row by row. */
    public static double[][] rmsNorm(double[][] x, float[] weight, double epsilon) {
        double[][] result = new double[x.length][weight.length];
        for (int t = 0; t < x.length; t++) {
            double squares = 0;
            for (double value : x[t]) {
                squares += value * value;
            }
            for (int j = 0; j < weight.length; j++) {
                result[t][j] = x[t][j] / Math.sqrt(squares / weight.length + epsilon) * weight[j];
            }
        }
        return result;
    }

    /** Radians per position of each pair, with the scalings told by wavelength as the Llama 3 authors tell them. */
    public static double[] frequencies(Rotary rotary) {
        double[] frequencies = new double[rotary.width() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double frequency = 1 / Math.pow(rotary.theta(), (double) (2 * i) / rotary.width());
            double wavelength = 2 * Math.PI / frequency;
            if (rotary.kind() instanceof RotaryKind.Linear linear) {
                frequency = frequency / linear.factor();
            }
            if (rotary.kind() instanceof RotaryKind.Llama3 llama3) {
                double longest = llama3.originalContext() / llama3.lowFrequencyFactor();
                double shortest = llama3.originalContext() / llama3.highFrequencyFactor();
                if (wavelength > longest) {
                    frequency = frequency / llama3.factor();
                } else if (wavelength >= shortest) {
                    double smooth = (llama3.originalContext() / wavelength - llama3.lowFrequencyFactor())
                            / (llama3.highFrequencyFactor() - llama3.lowFrequencyFactor());
                    frequency = (1 - smooth) * frequency / llama3.factor() + smooth * frequency;
                }
            }
            frequencies[i] = frequency;
        }
        return frequencies;
    }

    /** Turns the pairs (i, i + headDim/2) of each head of x (tokens, heads × headDim) by position times frequency. */
    public static double[][] rotate(double[][] x, double[] frequencies, int start) {
        int half = frequencies.length;
        double[][] result = new double[x.length][x[0].length];
        for (int t = 0; t < x.length; t++) {
            for (int head = 0; head < x[0].length; head += 2 * half) {
                for (int i = 0; i < half; i++) {
                    double angle = (start + t) * frequencies[i];
                    double a = x[t][head + i];
                    double b = x[t][head + half + i];
                    result[t][head + i] = a * Math.cos(angle) - b * Math.sin(angle);
                    result[t][head + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
                }
            }
        }
        return result;
    }

    /** Causal attention: query head h reads KV head h / (heads per group); all tokens start at position 0. */
    public static double[][] attention(double[][] q, double[][] k, double[][] v, LayerShape shape) {
        int d = shape.headDim();
        double[][] result = new double[q.length][shape.heads() * d];
        for (int t = 0; t < q.length; t++) {
            for (int head = 0; head < shape.heads(); head++) {
                int from = head / (shape.heads() / shape.keyValueHeads()) * d;
                double[] weights = new double[t + 1];
                double total = 0;
                for (int s = 0; s <= t; s++) {
                    double dot = 0;
                    for (int i = 0; i < d; i++) {
                        dot += q[t][head * d + i] * k[s][from + i];
                    }
                    weights[s] = Math.exp(dot / Math.sqrt(d));
                    total += weights[s];
                }
                for (int s = 0; s <= t; s++) {
                    for (int i = 0; i < d; i++) {
                        result[t][head * d + i] += weights[s] / total * v[s][from + i];
                    }
                }
            }
        }
        return result;
    }

    /** silu(gate) · up. */
    public static double[][] swiglu(double[][] gate, double[][] up) {
        double[][] result = new double[gate.length][gate[0].length];
        for (int t = 0; t < gate.length; t++) {
            for (int j = 0; j < gate[0].length; j++) {
                result[t][j] = gate[t][j] / (1 + Math.exp(-gate[t][j])) * up[t][j];
            }
        }
        return result;
    }

    /** One decoder layer over one window x (tokens, hidden). */
    public static Pass layer(LayerWeights weights, double[][] x, double[] frequencies, double epsilon) {
        Map<Site, double[][]> sites = new EnumMap<>(Site.class);
        double[][] normed = rmsNorm(x, weights.norm(NormRole.BEFORE_ATTENTION), epsilon);
        sites.put(Site.ATTENTION_INPUT, normed);
        double[][] joined = attention(
                rotate(linear(normed, weights, MapRole.Q), frequencies, 0),
                rotate(linear(normed, weights, MapRole.K), frequencies, 0),
                linear(normed, weights, MapRole.V),
                weights.shape());
        sites.put(Site.ATTENTION_OUTPUT, joined);
        double[][] attended = NaiveMatrix.plus(x, linear(joined, weights, MapRole.O));
        double[][] normedAgain = rmsNorm(attended, weights.norm(NormRole.BEFORE_MLP), epsilon);
        sites.put(Site.MLP_INPUT, normedAgain);
        double[][] hidden =
                swiglu(linear(normedAgain, weights, MapRole.GATE), linear(normedAgain, weights, MapRole.UP));
        sites.put(Site.MLP_HIDDEN, hidden);
        return new Pass(sites, NaiveMatrix.plus(attended, linear(hidden, weights, MapRole.DOWN)));
    }

    /** Logits (tokens, vocabulary) of a whole model. */
    public static double[][] logits(Checkpoint checkpoint, int[] tokens) {
        Architecture config = checkpoint.architecture();
        double[][] table = NaiveMatrix.of(checkpoint.read(LlamaNames.EMBEDDING), config.hiddenSize());
        double[][] x = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            x[t] = table[tokens[t]];
        }
        for (int layer = 0; layer < config.depth(); layer++) {
            Rotary rotary = config.spec(layer).rotary().orElseThrow();
            x = layer(
                            LayerWeights.read(checkpoint, layer),
                            x,
                            frequencies(rotary),
                            config.norm().epsilon())
                    .output();
        }
        double[][] normed =
                rmsNorm(x, checkpoint.read(LlamaNames.FINAL_NORM), config.norm().epsilon());
        String head = config.tiedEmbeddings() ? LlamaNames.EMBEDDING : LlamaNames.LM_HEAD;
        return NaiveMatrix.multiply(
                normed, NaiveMatrix.transpose(NaiveMatrix.of(checkpoint.read(head), config.hiddenSize())));
    }

    private static double[][] linear(double[][] x, LayerWeights weights, MapRole projection) {
        double[][] weight = NaiveMatrix.of(weights.weight(projection), x[0].length);
        return NaiveMatrix.multiply(x, NaiveMatrix.transpose(weight));
    }
}
