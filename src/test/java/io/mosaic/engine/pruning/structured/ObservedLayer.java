package io.mosaic.engine.pruning.structured;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * A random layer and what its projections see of one window.
 *
 * @param inputs of the layer, (tokens, hidden)
 */
record ObservedLayer(LayerWeights weights, double[][] inputs, NaiveLlama.Pass pass) {
    static final int TOKENS = 60;
    private static final double DAMPENING = 0.01;
    private static final double EPSILON = 1e-5;

    static ObservedLayer of(LayerShape shape, long seed) {
        LayerWeights weights = TinyLlama.of(shape).withSeed(seed).layer();
        double[][] inputs = NaiveMatrix.random(new Random(seed), TOKENS, shape.hidden());
        return new ObservedLayer(weights, inputs, forward(weights, inputs));
    }

    /** A layer's forward over one window; the frequencies belong to the head size, which slicing keeps. */
    static NaiveLlama.Pass forward(LayerWeights weights, double[][] inputs) {
        double[] frequencies = NaiveLlama.frequencies(weights.spec().rotary().orElseThrow());
        return NaiveLlama.layer(weights, inputs, frequencies, EPSILON);
    }

    LayerShape shape() {
        return weights.shape();
    }

    double[][] x(Site site) {
        return Objects.requireNonNull(pass.sites().get(site));
    }

    /** H of a site with its dampening. */
    double[][] hessian(Site site) {
        return NaiveStatistics.damp(NaiveStatistics.hessian(x(site), 1), DAMPENING);
    }

    InputStatistics statistics(NDManager manager) {
        InputStatistics statistics = InputStatistics.hessians(manager, shape(), 1);
        for (Site site : Site.values()) {
            double[][] x = x(site);
            statistics.observe(site, Tensors.of(manager, NaiveMatrix.flat(x), x.length, x[0].length));
        }
        return statistics;
    }

    /** Of the two sites whose columns go. */
    Map<Site, DampedHessian> hessians(NDManager manager) {
        Map<Site, DampedHessian> hessians = new EnumMap<>(Site.class);
        try (InputStatistics statistics = statistics(manager)) {
            for (Site site : List.of(Site.ATTENTION_OUTPUT, Site.MLP_HIDDEN)) {
                hessians.put(
                        site,
                        DampedHessian.of(manager, statistics.hessian(manager, site), Dampening.BY_MEAN, site.name()));
            }
        }
        return hessians;
    }

    /** Of inputs that have nothing to do with each other, so that no column can make up for another. */
    Map<Site, DampedHessian> unrelated(NDManager manager) {
        Map<Site, DampedHessian> hessians = new EnumMap<>(Site.class);
        for (Site site : List.of(Site.ATTENTION_OUTPUT, Site.MLP_HIDDEN)) {
            hessians.put(
                    site, DampedHessian.of(manager, manager.eye(shape().width(site)), Dampening.BY_MEAN, site.name()));
        }
        return hessians;
    }
}
