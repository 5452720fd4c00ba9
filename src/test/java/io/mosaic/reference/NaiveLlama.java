package io.mosaic.reference;

import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.RopeScaling;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.LlamaTensors;
import io.mosaic.engine.llama.Projection;
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
    public record Pass(Map<InputSite, double[][]> sites, double[][] output) {}

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
    public static double[] frequencies(ModelConfig config) {
        double[] frequencies = new double[config.headDim() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double frequency = 1 / Math.pow(config.ropeTheta(), (double) (2 * i) / config.headDim());
            double wavelength = 2 * Math.PI / frequency;
            if (config.ropeScaling() instanceof RopeScaling.Linear linear) {
                frequency = frequency / linear.factor();
            }
            if (config.ropeScaling() instanceof RopeScaling.Llama3 llama3) {
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
        Map<InputSite, double[][]> sites = new EnumMap<>(InputSite.class);
        double[][] normed = rmsNorm(x, weights.attentionNorm(), epsilon);
        sites.put(InputSite.ATTENTION_INPUT, normed);
        double[][] joined = attention(
                rotate(linear(normed, weights, Projection.Q), frequencies, 0),
                rotate(linear(normed, weights, Projection.K), frequencies, 0),
                linear(normed, weights, Projection.V),
                weights.shape());
        sites.put(InputSite.ATTENTION_OUTPUT, joined);
        double[][] attended = NaiveMatrix.plus(x, linear(joined, weights, Projection.O));
        double[][] normedAgain = rmsNorm(attended, weights.mlpNorm(), epsilon);
        sites.put(InputSite.MLP_INPUT, normedAgain);
        double[][] hidden =
                swiglu(linear(normedAgain, weights, Projection.GATE), linear(normedAgain, weights, Projection.UP));
        sites.put(InputSite.MLP_HIDDEN, hidden);
        return new Pass(sites, NaiveMatrix.plus(attended, linear(hidden, weights, Projection.DOWN)));
    }

    /** Logits (tokens, vocabulary) of a whole model. */
    public static double[][] logits(Checkpoint checkpoint, int[] tokens) {
        ModelConfig config = checkpoint.config();
        double[][] table = NaiveMatrix.of(checkpoint.read(LlamaTensors.EMBEDDING), config.hiddenSize());
        double[][] x = new double[tokens.length][];
        for (int t = 0; t < tokens.length; t++) {
            x[t] = table[tokens[t]];
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            x = layer(LayerWeights.read(checkpoint, layer), x, frequencies(config), config.rmsNormEpsilon())
                    .output();
        }
        double[][] normed = rmsNorm(x, checkpoint.read(LlamaTensors.FINAL_NORM), config.rmsNormEpsilon());
        String head = config.tiedEmbeddings() ? LlamaTensors.EMBEDDING : LlamaTensors.LM_HEAD;
        return NaiveMatrix.multiply(
                normed, NaiveMatrix.transpose(NaiveMatrix.of(checkpoint.read(head), config.hiddenSize())));
    }

    private static double[][] linear(double[][] x, LayerWeights weights, Projection projection) {
        double[][] weight = NaiveMatrix.of(weights.weight(projection), x[0].length);
        return NaiveMatrix.multiply(x, NaiveMatrix.transpose(weight));
    }
}
