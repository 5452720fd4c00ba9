package io.mosaic.engine.pipeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.evaluation.Compared;
import io.mosaic.engine.evaluation.Measurement;
import io.mosaic.engine.pruning.unstructured.Fit;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.engine.search.SearchReport;
import io.mosaic.engine.tensor.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * The actions and measurements of a run; its JSON form is report.json and the HTTP report.
 *
 * @param model id of the pruned model
 * @param depth the whole layers removed; absent if none were
 * @param search the candidates tried; absent if the request left nothing to search for
 */
@JsonPropertyOrder({
    "model",
    "perplexity",
    "latency",
    "memory",
    "speed",
    "stages",
    "depth",
    "search",
    "provenance",
    "sparsity"
})
public record PruningReport(
        String model,
        Sparsity sparsity,
        Optional<Depth> depth,
        Optional<SearchReport> search,
        List<PerplexityResult> perplexity,
        Optional<Latency> latency,
        Memory memory,
        Speed speed,
        List<StageTime> stages,
        Provenance provenance) {
    private static final String FILE = "report.json";
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .changeDefaultPropertyInclusion(inclusion -> inclusion.withValueInclusion(JsonInclude.Include.NON_ABSENT))
            .build();

    /** Every number that compares the two models, as a list. */
    public List<Measurement> measurements() {
        List<Measurement> all = new ArrayList<>();
        perplexity.forEach(p -> all.add(Measurement.perplexity(p.corpus(), p.protocol(), p.dense(), p.pruned())));
        latency.ifPresent(l -> {
            all.add(Measurement.of("prefill", "tokens/second", l.prefillTokensPerSecond()));
            all.add(Measurement.of("decode", "tokens/second", l.decodeTokensPerSecond()));
            all.add(Measurement.of("time_to_first_token", "seconds", l.timeToFirstTokenSeconds()));
        });
        all.add(Measurement.of("weights", "bytes", memory.weightBytes().compared()));
        memory.peakBytes().ifPresent(peak -> all.add(Measurement.of("peak_memory", "bytes", peak.compared())));
        return List.copyOf(all);
    }

    /** The report as JSON; absent values are left out. */
    public String json() {
        return MAPPER.writeValueAsString(this);
    }

    /** Reads what {@link #json} wrote. */
    public static PruningReport parse(String json) {
        return MAPPER.readValue(json, PruningReport.class);
    }

    void write(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            Files.writeString(file, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(this));
        } catch (IOException e) {
            throw SafetensorsWriter.diskFailure(file, e);
        }
    }

    /**
     * Removed shares, counted in the weights as written.
     *
     * @param removedParameters removed physically
     * @param zeroedParameters zeroed among the rest
     * @param structuredStep smallest change that whole heads and channels allow; absent if none were removed
     */
    public record Sparsity(
            double nominal,
            double realised,
            long prunableParameters,
            long removedParameters,
            long zeroedParameters,
            Optional<Double> structuredStep,
            List<ProjectionSparsity> projections) {}

    /**
     * One projection.
     *
     * @param layer its index in the dense model
     * @param outlierRatio in percent; absent if no ranking was needed
     * @param nominal the target, physical and zeroed together
     * @param shapeAfter (0, 0) if the whole layer was removed
     * @param dampening of its input's Hessian; absent if none was factorised
     * @param squaredError mean over the calibration's tokens of the squared error of an output vector, before and
     *     after the weights that stay were fitted; absent if they were not
     */
    public record ProjectionSparsity(
            int layer,
            String projection,
            Optional<Double> outlierRatio,
            double nominal,
            double realised,
            List<Integer> shapeBefore,
            List<Integer> shapeAfter,
            Optional<Double> dampening,
            Optional<Fit> squaredError) {}

    /**
     * Whole layers removed before anything else.
     *
     * @param heldOutWindows number of windows on which the choice was made
     * @param heldOutLength tokens of each
     * @param independent whether they share no token with the calibration
     * @param dropped in the order of their removal
     */
    public record Depth(
            int heldOutWindows, int heldOutLength, boolean independent, List<DepthSearch.Dropped> dropped) {}

    /**
     * The perplexity of the dense and of the pruned model on one text.
     *
     * @param windows number measured; absent in older reports
     */
    public record PerplexityResult(
            String corpus, String protocol, Optional<Integer> windows, double dense, double pruned) {}

    public record Latency(
            Compared prefillTokensPerSecond,
            Compared decodeTokensPerSecond,
            Compared timeToFirstTokenSeconds,
            Compared timeToFirstTokenP95Seconds,
            int prefillTokens,
            int decodeTokens,
            int runs) {}

    /**
     * Memory, in bytes.
     *
     * @param weightBytes of the weights as stored
     * @param peakBytes while each model generated alone; absent if latency was not requested
     * @param peakKind what peakBytes measures
     */
    public record Memory(ComparedBytes weightBytes, Optional<ComparedBytes> peakBytes, Optional<String> peakKind) {}

    public record ComparedBytes(long dense, long pruned) {
        Compared compared() {
            return new Compared(dense, pruned);
        }
    }

    /**
     * How the pruning stage used the machine, all targets together.
     *
     * @param layerSeconds of each layer pruned by this attempt, in order
     * @param flops floating-point operations per second of its matrix products, over the whole stage
     * @param productFlops rate of a plain product of 2048², measured beforehand in the same precision
     * @param peakBytes peak memory in use since the job began, except for evaluation; absent if the system does not
     *     report it
     * @param peakKind what peakBytes measures
     */
    public record Speed(
            List<Double> layerSeconds, double flops, double productFlops, Optional<Long> peakBytes, String peakKind) {}

    public record StageTime(PipelineStage stage, double seconds) {}

    /**
     * Everything needed to repeat the run.
     *
     * @param corpora SHA-256 of each text by name
     * @param bos whether each calibration window begins with a BOS; absent in reports from before it was recorded
     * @param rankingReused whether the ranking came from the store
     * @param layersTakenOver number of layers finished by an earlier attempt of the job
     * @param computePrecision of every forward
     */
    public record Provenance(
            String model,
            String modelSha256,
            Map<String, String> corpora,
            int samples,
            int sequenceLength,
            Optional<Boolean> bos,
            String sampling,
            long seed,
            boolean rankingReused,
            int layersTakenOver,
            String device,
            Precision computePrecision,
            int threads,
            Map<String, String> versions) {}
}
