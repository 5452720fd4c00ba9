package io.mosaic.engine.pipeline;

import ai.djl.Device;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.MeasurementStore;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Measurements;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** A run of the whole pipeline over a small model, calibrated on a few lines of text. */
record TinyRun(
        Path model,
        Path text,
        int dropLayers,
        MeasurementStore<OutlierRanking> rankings,
        boolean measured,
        int layersBeforeStop,
        List<List<Path>> earlier) {
    private static final int CHARACTERS = 1500;
    private static final int EVALUATED = 64; // tokens of a window

    static TinyRun of(Path model, Path text) {
        return new TinyRun(model, text, 0, new Measurements<>(), false, Integer.MAX_VALUE, List.of());
    }

    TinyRun rankings(MeasurementStore<OutlierRanking> stored) {
        return new TinyRun(model, text, dropLayers, stored, measured, layersBeforeStop, earlier);
    }

    TinyRun dropLayers(int count) {
        return new TinyRun(model, text, count, rankings, measured, layersBeforeStop, earlier);
    }

    /** With the text's perplexity. */
    TinyRun measuring() {
        return new TinyRun(model, text, dropLayers, rankings, true, layersBeforeStop, earlier);
    }

    /** Cancelled once so many layers are pruned. */
    TinyRun stoppingAfter(int layers) {
        return new TinyRun(model, text, dropLayers, rankings, measured, layers, earlier);
    }

    /** With what such runs have left. */
    TinyRun earlier(List<List<Path>> attempts) {
        return new TinyRun(model, text, dropLayers, rankings, measured, layersBeforeStop, attempts);
    }

    /** The text, written into a folder. */
    static Path corpus(Path folder) throws IOException {
        return Files.writeString(
                folder.resolve("corpus.txt"),
                Files.readString(Demo.corpus("demo-calibration")).substring(0, CHARACTERS));
    }

    /** A model per recipe, each in its folder. */
    List<PruningReport> prune(List<PruningRecipe> recipes, List<Path> folders) {
        PruningTask.Text corpus = new PruningTask.Text("text", text);
        PruningTask task = new PruningTask(
                new PruningTask.Source("tiny/dense", model),
                dropLayers,
                IntStream.range(0, folders.size())
                        .mapToObj(i -> new PruningTask.Output(recipes.get(i), "tiny/pruned-" + i, folders.get(i)))
                        .toList(),
                new PruningTask.Calibration(corpus, new CalibrationWindows(6, 24), 0, Sampling.STRIDED),
                ComputePrecision.F32,
                new PruningTask.Evaluation(
                        measured ? List.of(corpus) : List.of(), Perplexity.Protocol.whole(EVALUATED), false),
                earlier);
        CancellationToken token = new CancellationToken();
        return new PruningPipeline(
                        Device.cpu(),
                        new MeasurementStores(rankings, new Measurements<>(), new Measurements<>()),
                        Long.MAX_VALUE)
                .run(
                        task,
                        (stage, done, total) -> {
                            if (stage == PipelineStage.PRUNING && done == layersBeforeStop) {
                                token.cancel();
                            }
                        },
                        token);
    }
}
