package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A model that makes up text and says at each token what may come next, for another to learn. Close frees it. */
public final class Teacher implements AutoCloseable {
    private final NDManager manager;
    private final Embedding embedding;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final OutputHead head;
    private final int hidden;
    private final int length;

    /**
     * Text, and what its predictions come from.
     *
     * @param windows (windows, tokens)
     * @param states (windows, tokens, hidden) behind the last layer; the state at a token predicts the next one
     */
    public record Lesson(int[][] windows, NDArray states) {}

    /** @param length tokens of each window that it will make up */
    public Teacher(NDManager parent, Checkpoint checkpoint, int length) {
        manager = parent.newSubManager();
        embedding = new Embedding(checkpoint);
        LayerWalk walk = new LayerWalk(manager, checkpoint, length, Precision.F32);
        for (int layer = 0; layer < checkpoint.architecture().depth(); layer++) {
            layers.add(walk.load(LayerWeights.read(checkpoint, layer)));
        }
        head = new OutputHead(manager, checkpoint);
        hidden = checkpoint.architecture().hiddenSize();
        this.length = length;
    }

    /** Continues each of the first tokens, every next one drawn as likely as the model holds it. */
    public Lesson lesson(int[] firstTokens, SplittableRandom random) {
        int[][] windows = new int[firstTokens.length][length];
        NDList states = new NDList();
        try (NDManager scope = manager.newSubManager();
                KvCache cache = new KvCache(scope, layers.size())) {
            int[] tokens = firstTokens;
            for (int position = 0; position < length; position++) {
                for (int i = 0; i < tokens.length; i++) {
                    windows[i][position] = tokens[i];
                }
                NDArray state = state(scope, tokens, cache, position);
                states.add(state);
                tokens = draw(scope, state, random);
            }
            NDArray joined = NDArrays.concat(states, 1);
            joined.attach(manager);
            return new Lesson(windows, joined);
        }
    }

    /** What may come next, (tokens, vocabulary) probabilities in {@code scope}, for states (windows, tokens, hidden). */
    public NDArray predictions(NDManager scope, NDArray states) {
        return head.logits(scope, states.reshape(-1, hidden)).softmax(-1);
    }

    /** (windows, 1, hidden), in {@code owner}. */
    private NDArray state(NDManager owner, int[] tokens, KvCache cache, int position) {
        try (NDManager scope = owner.newSubManager()) {
            int[][] column =
                    Arrays.stream(tokens).mapToObj(id -> new int[] {id}).toArray(int[][]::new);
            NDArray x = embedding.embed(scope, column);
            for (int layer = 0; layer < layers.size(); layer++) {
                x = layers.get(layer).forward(scope, x, new Past.Cached(cache, layer, position), SiteObserver.NONE);
            }
            x.attach(owner);
            return x;
        }
    }

    private int[] draw(NDManager parent, NDArray state, SplittableRandom random) {
        try (NDManager scope = parent.newSubManager()) {
            float[] probabilities = predictions(scope, state).toFloatArray();
            int vocabulary = head.vocabularySize();
            int[] drawn = new int[probabilities.length / vocabulary];
            for (int i = 0; i < drawn.length; i++) {
                double left = random.nextDouble();
                int id = 0;
                while (id < vocabulary - 1 && (left -= probabilities[i * vocabulary + id]) >= 0) {
                    id++;
                }
                drawn[i] = id;
            }
            return drawn;
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
