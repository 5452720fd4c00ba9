package io.mosaic.engine.search;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.llama.DecoderLayer;
import io.mosaic.engine.llama.DecoderLayers;
import io.mosaic.engine.llama.HiddenStates;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.SiteObserver;
import io.mosaic.engine.pruning.unstructured.Rows;
import io.mosaic.engine.pruning.unstructured.SparseGptSolver;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.ZeroRule;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntConsumer;

/**
 * Measures a dense model's sensitivities. For each layer, from one factorisation per input site: SparseGPT's loss at
 * several levels; then each projection alone pruned to two of them, and the held-out windows run from that layer to the
 * end. One decoder layer is resident at a time, beside the streams of the probes.
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

    /** A projection's weights at one probe. */
    private record Probe(Projection projection, int level, float[] weight) {}

    /** @param layerDone told the number of layers done, after each */
    public SensitivityProfile profile(CalibrationSet calibration, HeldOut heldOut, IntConsumer layerDone) {
        List<Map<Projection, SensitivityProfile.Curve>> layers = new ArrayList<>();
        try (NDManager scope = compute.manager().newSubManager();
                HiddenStates states =
                        HiddenStates.embed(scope, compute.scratch(), checkpoint, calibration.windows(), token);
                HiddenStates answers = heldOut.embed()) {
            DecoderLayers loader =
                    new DecoderLayers(scope, checkpoint.config(), calibration.length(), compute.precision());
            for (int index = 0; index < checkpoint.config().layers(); index++) {
                LayerWeights dense = LayerWeights.read(checkpoint, index);
                Map<Projection, List<Double>> losses = new EnumMap<>(Projection.class);
                List<Probe> probes = new ArrayList<>();
                try (InputStatistics statistics =
                        InputStatistics.hessians(scope, dense.shape(), calibration.samples())) {
                    try (DecoderLayer layer = loader.load(dense)) {
                        states.advance(index, layer, statistics);
                    }
                    for (InputSite site : InputSite.values()) {
                        solve(scope, index, site, dense, statistics, losses, probes);
                    }
                }
                layers.add(measure(index, dense, losses, probes, answers, heldOut));
                try (DecoderLayer layer = heldOut.layer(dense)) {
                    answers.advance(index, layer, SiteObserver.NONE);
                }
                layerDone.accept(index + 1);
            }
        }
        return new SensitivityProfile(LEVELS, PROBES, layers);
    }

    private void solve(
            NDManager parent,
            int index,
            InputSite site,
            LayerWeights dense,
            InputStatistics statistics,
            Map<Projection, List<Double>> losses,
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
                    Projection reader = site.readers().get(i);
                    losses.computeIfAbsent(reader, key -> new ArrayList<>()).add(lost[i]);
                    if (PROBES.contains(level)) {
                        probes.add(new Probe(
                                reader, PROBES.indexOf(level), rows.get(i).weight()));
                    }
                }
            }
        }
    }

    /** Runs the held-out windows once per probe from layer {@code index} to the end. */
    private Map<Projection, SensitivityProfile.Curve> measure(
            int index,
            LayerWeights dense,
            Map<Projection, List<Double>> losses,
            List<Probe> probes,
            HiddenStates before,
            HeldOut heldOut) {
        List<HiddenStates> streams = new ArrayList<>();
        try {
            for (Probe probe : probes) {
                Map<Projection, float[]> weights = new EnumMap<>(dense.weights());
                weights.put(probe.projection(), probe.weight());
                try (DecoderLayer layer = heldOut.layer(dense.with(dense.shape(), weights))) {
                    streams.add(before.after(index, layer));
                }
            }
            for (int later = index + 1; later < checkpoint.config().layers(); later++) {
                try (DecoderLayer layer = heldOut.layer(LayerWeights.read(checkpoint, later))) {
                    for (HiddenStates stream : streams) {
                        stream.advance(later, layer, SiteObserver.NONE);
                    }
                }
            }
            Map<Projection, Double[]> divergences = new EnumMap<>(Projection.class);
            for (int i = 0; i < probes.size(); i++) {
                divergences
                                .computeIfAbsent(probes.get(i).projection(), key -> new Double[PROBES.size()])[
                                probes.get(i).level()] =
                        heldOut.divergence(streams.get(i));
            }
            Map<Projection, SensitivityProfile.Curve> curves = new EnumMap<>(Projection.class);
            losses.forEach((projection, lost) -> curves.put(
                    projection,
                    new SensitivityProfile.Curve(lost, List.of(Objects.requireNonNull(divergences.get(projection))))));
            return curves;
        } finally {
            streams.forEach(HiddenStates::close);
        }
    }
}
