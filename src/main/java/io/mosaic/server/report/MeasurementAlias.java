package io.mosaic.server.report;

import io.mosaic.engine.EngineVersion;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.server.corpus.CorpusCatalog;
import io.mosaic.server.job.JobRequest;
import io.mosaic.server.model.ModelCatalog;

/**
 * Aliases of measurements, computed without reading a weight or a text: from names, sizes and times of files, and the
 * request's calibration.
 *
 * @param ranking alias of the outlier ranking
 * @param profile alias of the sensitivity profile
 */
public record MeasurementAlias(String ranking, String profile) {
    /** @param model a faultless model */
    public static MeasurementAlias of(JobRequest request, ModelCatalog.Entry model, CorpusCatalog.Entry corpus) {
        JobRequest.Calibration calibration = request.calibration();
        String inputs = String.join(
                        "\n",
                        String.valueOf(EngineVersion.NUMBER),
                        model.id().toString(),
                        model.files().toString(),
                        corpus.toString())
                + "\n"
                + calibration + "\n" + request.dropLayers().orElse(0) + "\n" + request.precision();
        CalibrationWindows heldOut =
                request.forecast(model.requireFacts().architecture()).heldOut();
        return new MeasurementAlias(
                Hashes.text(inputs + "\n" + request.outlierThreshold()), Hashes.text(inputs + "\n" + heldOut));
    }
}
