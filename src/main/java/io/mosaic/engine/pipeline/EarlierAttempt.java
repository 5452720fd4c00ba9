package io.mosaic.engine.pipeline;

import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.export.StagedWeights;
import io.mosaic.engine.pruning.LayerSource;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The results of an earlier run of the same task: its decisions, and the layers whose bytes still match its journal.
 * Close unmaps them.
 */
final class EarlierAttempt implements AutoCloseable {
    private final Journal.Content journal;
    private final List<StagedWeights> weights; // one per target
    private final int layers;

    private EarlierAttempt(Journal.Content journal, List<StagedWeights> weights) {
        this.journal = journal;
        this.weights = weights;
        int vouched = 0;
        while (vouched < journal.layers().size() && vouched(vouched)) {
            vouched++;
        }
        layers = vouched;
    }

    private boolean vouched(int layer) {
        List<Journal.Written> entries = journal.layers().get(layer).targets();
        for (int target = 0; target < weights.size(); target++) {
            if (!Fingerprints.layer(weights.get(target), layer)
                    .equals(entries.get(target).sha256())) {
                return false;
            }
        }
        return true;
    }

    /**
     * The furthest of several attempts; empty if none left anything usable.
     *
     * @param dense model that the attempts prune
     * @param attempts the folders of each attempt's targets
     */
    static Optional<EarlierAttempt> farthest(Architecture dense, List<List<Path>> attempts, String fingerprint) {
        List<EarlierAttempt> opened = new ArrayList<>();
        for (List<Path> folders : attempts) {
            open(dense, folders, fingerprint).ifPresent(opened::add);
        }
        Optional<EarlierAttempt> farthest = opened.stream().max(Comparator.comparingInt(EarlierAttempt::layers));
        opened.stream()
                .filter(attempt -> farthest.filter(best -> best == attempt).isEmpty())
                .forEach(EarlierAttempt::close);
        return farthest;
    }

    private static Optional<EarlierAttempt> open(Architecture dense, List<Path> folders, String fingerprint) {
        Optional<Journal.Content> journal = Journal.read(folders.getFirst(), fingerprint);
        if (journal.isEmpty()) {
            return Optional.empty();
        }
        Architecture written =
                dense.keeping(Depth.kept(dense, journal.get().decisions().dropped()));
        List<StagedWeights> weights = new ArrayList<>();
        try {
            for (Path folder : folders) {
                weights.add(new StagedWeights(folder, written));
            }
            return Optional.of(new EarlierAttempt(journal.get(), weights));
        } catch (MosaicException | UncheckedIOException e) {
            weights.forEach(StagedWeights::close);
            return Optional.empty(); // its files do not reach that far
        }
    }

    Journal.Decisions decisions() {
        return journal.decisions();
    }

    /** Number of layers that can be taken over. */
    int layers() {
        return layers;
    }

    /** The layers of one target. */
    LayerSource of(int target) {
        return new LayerSource() {
            @Override
            public int count() {
                return layers;
            }

            @Override
            public Finished read(int index) {
                return new Finished(
                        weights.get(target)
                                .read(
                                        index,
                                        decisions()
                                                .choices()
                                                .get(target)
                                                .structure()
                                                .after()
                                                .get(index)),
                        journal.layers().get(index).targets().get(target).notes());
            }
        };
    }

    @Override
    public void close() {
        weights.forEach(StagedWeights::close);
    }
}
