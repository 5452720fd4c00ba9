package io.mosaic.engine.search;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.DecoderLayer;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.decoder.SiteObserver;
import io.mosaic.engine.pruning.unstructured.Rows;
import io.mosaic.engine.pruning.unstructured.SparseGptSolver;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.ZeroRule;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Measures a dense model's sensitivities. For each layer, from one factorisation per input site: SparseGPT's loss at
 * several levels; then, with only one projection pruned to each of two of them, the held-out windows run from that
 * layer to the end. One decoder layer is resident at a time, beside the streams of the probes.
 */
public final class SensitivityProfiler {
    static final List<Double> LEVELS = List.of(0.25, 0.5, 0.65, 0.8, 0.9, 0.97);
    static final List<Double> PROBES = List.of(0.5, 0.8);

    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CancellationToken token;

    public SensitivityProfiler(Compute compute, Checkpoint checkpoint, CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.token = token;
    }

    /** A map's weights at one probe. */
    private record Probe(MapRole role, int level, float[] weight) {}

    /** @param layerDone receives the number of layers done, after each */
    public SensitivityProfile profile(CalibrationSet calibration, HeldOut heldOut, IntConsumer layerDone) {
        List<PerMap<SensitivityProfile.Curve>> layers = new ArrayList<>();
        try (NDManager scope = compute.manager().newSubManager();
                HiddenStates states =
                        HiddenStates.embed(scope, compute.scratch(), checkpoint, calibration.windows(), token);
                HiddenStates answers = heldOut.embed()) {
            LayerWalk walk = new LayerWalk(scope, checkpoint, calibration.length(), compute.precision());
            walk.forEach((index, dense) -> {
                PerMap<List<Double>> losses = PerMap.of(dense.shape().maps(), role -> new ArrayList<>());
                List<Probe> probes = new ArrayList<>();
                try (InputStatistics statistics =
                        InputStatistics.hessians(scope, dense.shape(), calibration.samples())) {
                    walk.advance(states, index, dense, statistics);
                    for (Site site : dense.shape().sites()) {
                        solve(scope, index, site, dense, statistics, losses, probes);
                    }
                }
                layers.add(measure(index, dense, losses, probes, answers, heldOut));
                heldOut.walk().advance(answers, index, dense, SiteObserver.NONE);
                layerDone.accept(index + 1);
            });
        }
        return new SensitivityProfile(LEVELS, PROBES, layers);
    }

    private void solve(
            NDManager parent,
            int index,
            Site site,
            LayerWeights dense,
            InputStatistics statistics,
            PerMap<List<Double>> losses,
            List<Probe> probes) {
        LayerShape shape = dense.shape();
        try (NDManager scope = parent.newSubManager()) {
            DampedHessian hessian =
                    DampedHessian.of(scope, statistics.hessian(scope, site), "layer " + index + ", " + site);
            SparseGptSolver solver =
                    new SparseGptSolver(scope, hessian.upperFactor(scope), hessian.dead(), new SparsityPattern.Free());
            for (double level : LEVELS) {
                token.check();
                List<Rows> rows = site.readers().stream()
                        .map(reader -> new Rows(
                                dense.weight(reader).clone(),
                                shape.out(reader),
                                new ZeroRule.Exactly(Math.round(level * shape.parameters(reader)))))
                        .toList();
                double[] lost = solver.prune(rows);
                for (int i = 0; i < lost.length; i++) {
                    MapRole reader = site.readers().get(i);
                    losses.get(reader).add(lost[i]);
                    if (PROBES.contains(level)) {
                        probes.add(new Probe(
                                reader, PROBES.indexOf(level), rows.get(i).weight()));
                    }
                }
            }
        }
    }

    /** Runs the held-out windows once per probe from layer {@code index} to the end. */
    private PerMap<SensitivityProfile.Curve> measure(
            int index,
            LayerWeights dense,
            PerMap<List<Double>> losses,
            List<Probe> probes,
            HiddenStates before,
            HeldOut heldOut) {
        List<HiddenStates> streams = new ArrayList<>();
        try {
            for (Probe probe : probes) {
                try (DecoderLayer layer =
                        heldOut.walk().load(dense.with(dense.weights().with(probe.role(), probe.weight())))) {
                    streams.add(before.after(index, layer));
                }
            }
            List<Integer> later = IntStream.range(
                            index + 1, checkpoint.architecture().depth())
                    .boxed()
                    .toList();
            heldOut.walk().forEach(later, (next, weights) -> {
                try (DecoderLayer layer = heldOut.walk().load(weights)) {
                    streams.forEach(stream -> stream.advance(next, layer, SiteObserver.NONE));
                }
            });
            PerMap<Double[]> divergences = losses.map(lost -> new Double[PROBES.size()]);
            for (int i = 0; i < probes.size(); i++) {
                divergences.get(probes.get(i).role())[probes.get(i).level()] = heldOut.divergence(streams.get(i));
            }
            return losses.map((role, lost) -> new SensitivityProfile.Curve(lost, List.of(divergences.get(role))));
        } finally {
            streams.forEach(HiddenStates::close);
        }
    }
}
