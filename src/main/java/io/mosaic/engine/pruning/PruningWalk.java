package io.mosaic.engine.pruning;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.calibration.LayerHessians;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.decoder.DecoderLayer;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.decoder.SiteObserver;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Prunes a model layer by layer, to one target or to several at once; one dense layer is resident at a time. Each layer
 * sees the output of the layers before it: of the dense ones, shared by all targets, or of the pruned ones as rounded
 * for the file, separate for each target.
 */
public final class PruningWalk {
    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CalibrationSet calibration;
    private final CancellationToken token;

    public PruningWalk(Compute compute, Checkpoint checkpoint, CalibrationSet calibration, CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.calibration = calibration;
        this.token = token;
    }

    /**
     * One target: how to prune it, and the receiver of its layers.
     *
     * @param finished layers that need not be pruned again; the sink receives them as well
     */
    public record Variant(CompositePruner pruner, LayerSink sink, LayerSource finished) {
        public Variant(CompositePruner pruner, LayerSink sink) {
            this(pruner, sink, LayerSource.NONE);
        }
    }

    /** Prunes every layer in order and passes each to the sink. */
    public void run(CompositePruner pruner, LayerSink sink) {
        run(List.of(new Variant(pruner, sink)));
    }

    /**
     * Prunes every layer in order, each for all targets before the next layer.
     *
     * @param targets of recipes that differ in their plans only
     */
    public void run(List<Variant> targets) {
        try (NDManager scope = compute.manager().newSubManager();
                Run run = new Run(scope, targets)) {
            if (run.needs == CompositePruner.StatisticsLevel.NOTHING) {
                IntStream.range(0, run.finished).forEach(index -> takeOver(index, targets));
                run.walk.forEach(
                        IntStream.range(run.finished, checkpoint.architecture().depth())
                                .boxed()
                                .toList(),
                        (index, dense) -> run.prune(index, dense, targets, (weights, observer) -> {}));
                return;
            }
            List<Branch> branches = new ArrayList<>();
            branches.add(new Branch(
                    run.keep(HiddenStates.embed(scope, compute.scratch(), checkpoint, calibration.windows(), token)),
                    targets));
            run.walk.forEach((index, dense) -> {
                List<Branch> next = branches.stream()
                        .flatMap(branch -> run.pass(index, dense, branch).stream())
                        .toList();
                branches.clear();
                branches.addAll(next);
            });
        }
    }

    /** Targets that see the same stream before the next layer. */
    private record Branch(HiddenStates states, List<Variant> targets) {}

    /** Passes on a layer that is already finished; returns it as written by each target. */
    private static List<LayerWeights> takeOver(int index, List<Variant> targets) {
        List<LayerWeights> written = new ArrayList<>();
        for (Variant target : targets) {
            LayerSource.Finished finished = target.finished().read(index);
            target.sink().accept(index, finished.weights(), finished.notes());
            written.add(finished.weights());
        }
        return written;
    }

    /** Runs a layer for its observer only. */
    @FunctionalInterface
    private interface Observation {
        void observe(LayerWeights weights, SiteObserver observer);
    }

    private final class Run implements AutoCloseable {
        private final NDManager scope;
        private final CompositePruner recipe; // of the first target; read only for what all share
        private final CompositePruner.StatisticsLevel needs;
        private final LayerWalk walk;
        private final int finished; // number of layers that every target already has
        private final List<HiddenStates> streams = new ArrayList<>();

        Run(NDManager scope, List<Variant> targets) {
            this.scope = scope;
            recipe = targets.getFirst().pruner();
            finished = targets.stream()
                    .mapToInt(target -> target.finished().count())
                    .min()
                    .orElse(0);
            needs = targets.stream()
                    .map(target -> target.pruner().needs())
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
            walk = new LayerWalk(scope, checkpoint, calibration.length(), compute.precision());
        }

        /** Registers a stream to be closed with the run: at most one per target, which continues in its own. */
        HiddenStates keep(HiddenStates states) {
            streams.add(states);
            return states;
        }

        @Override
        public void close() {
            streams.forEach(HiddenStates::close);
        }

        /** Prunes a layer for the targets of a branch and moves its stream past the layer. */
        List<Branch> pass(int index, LayerWeights dense, Branch branch) {
            HiddenStates states = branch.states();
            Observation observation = (weights, observer) -> {
                try (DecoderLayer layer = walk.load(weights)) {
                    switch (recipe.propagation()) {
                        case PRUNED -> states.observe(layer, observer);
                        case DENSE -> states.advance(index, layer, observer);
                    }
                }
            };
            List<LayerWeights> written;
            if (index < finished) {
                written = takeOver(index, branch.targets());
                if (recipe.propagation() == Propagation.DENSE) {
                    observation.observe(dense, SiteObserver.NONE);
                }
            } else {
                written = prune(index, dense, branch.targets(), observation);
            }
            boolean last = index + 1 == checkpoint.architecture().depth(); // nothing reads the stream after it
            if (recipe.propagation() == Propagation.DENSE || last) {
                return List.of(branch);
            }
            List<Branch> parted = new ArrayList<>();
            for (int i = 0; i < written.size(); i++) {
                List<Variant> own = List.of(branch.targets().get(i));
                try (DecoderLayer layer = walk.load(written.get(i))) {
                    if (i + 1 < written.size()) {
                        parted.add(new Branch(keep(states.after(index, layer)), own));
                    } else { // takes over the stream shared so far
                        states.advance(index, layer, SiteObserver.NONE);
                        parted.add(new Branch(states, own));
                    }
                }
            }
            return parted;
        }

        /** Prunes a layer and passes it to the sinks; returns it as written by each target. */
        List<LayerWeights> prune(int index, LayerWeights dense, List<Variant> targets, Observation observation) {
            try (NDManager work = scope.newSubManager();
                    InputStatistics statistics = statistics(dense.shape());
                    LayerHessians hessians = new LayerHessians(work, index, statistics, recipe.dampening())) {
                observation.observe(dense, statistics);
                List<CompositePruner.Layer> layers = targets.stream()
                        .map(target -> target.pruner().layer(work, index, dense, hessians))
                        .toList();
                for (Site site : dense.shape().sites()) {
                    for (CompositePruner.Layer layer : layers) {
                        token.check();
                        if (recipe.trueSequential() && site != Site.ATTENTION_INPUT) {
                            zeroAnew(index, layer, site, observation);
                        } else {
                            layer.zero(work, site, hessians);
                        }
                    }
                    hessians.release(site);
                }
                List<LayerWeights> written = new ArrayList<>();
                for (int i = 0; i < layers.size(); i++) {
                    LayerWeights stored = asStored(index, layers.get(i).weights());
                    targets.get(i).sink().accept(index, stored, layers.get(i).notes());
                    written.add(stored);
                }
                return written;
            }
        }

        /** Zeroes weights by the site's inputs in the layer as pruned so far. */
        private void zeroAnew(int index, CompositePruner.Layer pruned, Site site, Observation observation) {
            try (NDManager work = scope.newSubManager();
                    InputStatistics statistics = statistics(pruned.weights().shape());
                    LayerHessians hessians = new LayerHessians(work, index, statistics, recipe.dampening())) {
                observation.observe(pruned.weights(), (seen, inputs) -> {
                    if (seen == site) {
                        statistics.observe(seen, inputs);
                    }
                });
                pruned.zero(work, site, hessians);
            }
        }

        private InputStatistics statistics(LayerShape shape) {
            return needs == CompositePruner.StatisticsLevel.HESSIANS
                    ? InputStatistics.hessians(scope, shape, calibration.samples())
                    : InputStatistics.norms(scope, shape, calibration.samples());
        }
    }

    /** A weight as it will be read back; compensation can leave the range of float16. */
    private float[] stored(MapId id, float[] weight) {
        DType format = checkpoint.dtype(id);
        float[] rounded = format.round(weight);
        for (int i = 0; i < rounded.length; i++) {
            if (!Float.isFinite(rounded[i])) {
                throw new MosaicException(
                        ErrorCode.TENSOR_NOT_FINITE,
                        "The " + id.role().label() + " of layer " + id.layer() + " holds " + weight[i]
                                + " once what stays makes up for what went, which " + format
                                + " cannot hold; store the model in bfloat16, or ask for a smaller sparsity");
            }
        }
        return rounded;
    }

    /**
     * The layer with every weight that pruning may change rounded as the export will store it, to the source's number
     * format.
     */
    private LayerWeights asStored(int index, LayerWeights layer) {
        PerMap<float[]> weights = layer.weights().map((role, weight) -> stored(new MapId(index, role), weight));
        Map<NormRole, float[]> norms = new EnumMap<>(NormRole.class);
        layer.norms()
                .forEach((role, norm) -> norms.put(
                        role,
                        checkpoint
                                .dtype(checkpoint.architecture().norm(index, role, layer.shape()))
                                .round(norm)));
        return new LayerWeights(layer.spec(), layer.shape(), weights, layer.biases(), norms);
    }
}
