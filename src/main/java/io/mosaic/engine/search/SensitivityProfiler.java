package io.mosaic.engine.search;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.calibration.LayerHessians;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.DecoderLayer;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.decoder.SiteObserver;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Prunes every projection of a model to several levels, each layer on dense inputs, and measures the sensitivities: the
 * held-out windows run through the model once for each layer, with all of it pruned to one level, and once for each
 * kind of projection, pruned in all layers. The divergence of a single projection is estimated from those of its layer
 * and its kind. One decoder layer is resident at a time, beside the streams of the probes.
 */
public final class SensitivityProfiler {
    /** The first level is the model before anything is zeroed. */
    static final List<Double> LEVELS = List.of(0.0, 0.3, 0.5, 0.65, 0.8, 0.9, 0.97);

    private static final List<Double> PRUNED = LEVELS.subList(1, LEVELS.size());
    private static final int PROBED = 3; // the level of the probes

    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CancellationToken token;

    public SensitivityProfiler(Compute compute, Checkpoint checkpoint, CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.token = token;
    }

    /** The calibration windows by which levels are made: they need less exact Hessians than the job. */
    static CalibrationWindows calibrating(CalibrationWindows windows) {
        return windows.of(Math.ceilDiv(windows.samples(), 2), windows.length());
    }

    /** The held-out windows on which sensitivities are measured; candidates are compared on all. */
    static CalibrationWindows probed(CalibrationWindows heldOut) {
        return heldOut.of(Math.max(1, heldOut.samples() / 2), heldOut.length());
    }

    /** Bytes on disk of a model's levels. */
    static long bytes(List<LayerShape> shapes) {
        return PrunedLevels.bytes(shapes, LEVELS.size());
    }

    /**
     * The levels of a model, and its sensitivities.
     *
     * @param recipe determines how heads and channels are chosen
     * @param structure the shapes to which layers are cut before single weights are zeroed
     * @param heldOut on all windows
     * @param layerDone receives the number of layers done, after each
     */
    Assembly profile(
            PruningRecipe recipe,
            StructuredPlan structure,
            CalibrationSet calibration,
            HeldOut heldOut,
            IntConsumer layerDone) {
        CalibrationSet half = calibration.every(2);
        PrunedLevels levels = new PrunedLevels(compute.scratch(), structure.after(), LEVELS);
        CalibrationWindows few = probed(new CalibrationWindows(
                heldOut.windows().samples(), heldOut.windows().length()));
        try (NDManager scope = compute.manager().newSubManager();
                HeldOut probed = heldOut.first(few.samples());
                Probes probes = new Probes(probed, structure, levels);
                HiddenStates states = HiddenStates.embed(scope, compute.scratch(), checkpoint, half.windows(), token)) {
            CompositePruner pruner = new CompositePruner(
                    recipe, new PruningPlan(structure, SparsityAllocation.uniform(structure.after(), 0)));
            LayerWalk walk = new LayerWalk(scope, checkpoint, calibration.length(), compute.precision());
            List<LayerWeights> frames = new ArrayList<>();
            List<PerMap<List<Double>>> losses = new ArrayList<>();
            walk.forEach((index, dense) -> {
                PerMap<List<Double>> lost = PerMap.of(dense.shape().maps(), role -> new ArrayList<>());
                try (InputStatistics statistics = InputStatistics.hessians(scope, dense.shape(), half.samples());
                        LayerHessians hessians = new LayerHessians(scope, index, statistics, Dampening.BY_COLUMN)) {
                    walk.advance(states, index, dense, statistics);
                    CompositePruner.Layer layer = pruner.layer(scope, index, dense, hessians);
                    for (Site site : dense.shape().sites()) {
                        token.check();
                        site.readers()
                                .forEach(role -> levels.put(
                                        new MapId(index, role),
                                        0,
                                        layer.weights().weight(role)));
                        layer.levels(scope, site, hessians, PRUNED, (role, level, weight, fit) -> {
                            levels.put(new MapId(index, role), level + 1, weight);
                            lost.get(role).add(fit.after());
                        });
                        hessians.release(site);
                    }
                    frames.add(layer.weights().with(layer.weights().weights().map(weight -> new float[0])));
                }
                losses.add(lost);
                probes.pass(index, frames.getLast());
                layerDone.accept(index + 1);
            });
            return new Assembly(levels, frames, heldOut, profile(losses, probes));
        } catch (RuntimeException | Error e) {
            levels.close();
            throw e;
        }
    }

    private static SensitivityProfile profile(List<PerMap<List<Double>>> losses, Probes probes) {
        List<PerMap<Double>> divergences = probes.divergences(losses.stream()
                .map(lost -> lost.map(each -> each.get(PROBED - 1)))
                .toList());
        List<PerMap<SensitivityProfile.Curve>> layers = new ArrayList<>();
        for (int layer = 0; layer < losses.size(); layer++) {
            PerMap<Double> anchored = divergences.get(layer);
            layers.add(losses.get(layer).map((role, lost) -> new SensitivityProfile.Curve(lost, anchored.get(role))));
        }
        return new SensitivityProfile(PRUNED, LEVELS.get(PROBED), layers);
    }

    /** The streams of the held-out windows, each with some projections pruned. Close frees them. */
    private static final class Probes implements AutoCloseable {
        private final HeldOut heldOut;
        private final PrunedLevels levels;
        private final HiddenStates whole; // nothing zeroed
        private final List<HiddenStates> ofLayers = new ArrayList<>();
        private final PerMap<HiddenStates> ofKinds;

        Probes(HeldOut heldOut, StructuredPlan structure, PrunedLevels levels) {
            this.heldOut = heldOut;
            this.levels = levels;
            whole = heldOut.embed();
            ofKinds = PerMap.of(structure.after().getFirst().maps(), role -> heldOut.embed());
        }

        void pass(int index, LayerWeights frame) {
            LayerWeights unpruned = frame.with(weights(index, frame, 0));
            PerMap<float[]> pruned = weights(index, frame, PROBED);
            LayerWalk walk = heldOut.walk();
            HiddenStates fresh = whole.copy();
            walk.advance(fresh, index, frame.with(pruned), SiteObserver.NONE);
            ofKinds.forEach((role, stream) -> walk.advance(
                    stream, index, frame.with(unpruned.weights().with(role, pruned.get(role))), SiteObserver.NONE));
            try (DecoderLayer layer = walk.load(unpruned)) {
                ofLayers.forEach(stream -> stream.advance(index, layer, SiteObserver.NONE));
                whole.advance(index, layer, SiteObserver.NONE);
            }
            ofLayers.add(fresh);
        }

        private PerMap<float[]> weights(int index, LayerWeights frame, int level) {
            return PerMap.of(frame.shape().maps(), role -> levels.at(new MapId(index, role), level));
        }

        /**
         * The divergence of each projection alone: proportional to its loss, and scaled so that those of a layer and
         * those of a kind add up to what was measured (iterative proportional fitting).
         */
        List<PerMap<Double>> divergences(List<PerMap<Double>> losses) {
            double base = heldOut.divergence(whole);
            double[] layers =
                    ofLayers.stream().mapToDouble(stream -> above(base, stream)).toArray();
            PerMap<Double> kinds = ofKinds.map(stream -> above(base, stream));
            return Margins.fit(losses, layers, kinds);
        }

        private double above(double base, HiddenStates stream) {
            return Math.max(heldOut.divergence(stream) - base, Margins.LEAST);
        }

        @Override
        public void close() {
            whole.close();
            ofLayers.forEach(HiddenStates::close);
            ofKinds.values().forEach(HiddenStates::close);
        }
    }
}
