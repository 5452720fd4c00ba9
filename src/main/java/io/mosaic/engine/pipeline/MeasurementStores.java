package io.mosaic.engine.pipeline;

import io.mosaic.engine.MeasurementStore;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.evaluation.DensePerplexity;
import io.mosaic.engine.ranking.OutlierRanking;

/** What runs measure of dense models, which later runs need not measure again. */
public record MeasurementStores(
        MeasurementStore<OutlierRanking> rankings,
        MeasurementStore<SensitivityProfile> profiles,
        MeasurementStore<DensePerplexity> perplexities) {}
