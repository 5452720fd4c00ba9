package io.mosaic.engine.pipeline;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.evaluation.Compared;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.engine.search.SearchReport;
import io.mosaic.engine.tensor.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a run did and measured; its JSON form is report.json and the HTTP report.
 *
 * @param model id of the pruned model
 * @param depth the whole layers that went; absent where none did
 * @param search what was tried; absent where the request left nothing to search for
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
     * @param removedParameters that went physically
     * @param zeroedParameters that are zero among those left
     * @param structuredStep smallest change that whole heads and channels allow; absent where no heads or channels went
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
     * @param outlierRatio in percent; absent where no ranking was needed
     * @param nominal the target, physical and zeroed together
     * @param shapeAfter (0, 0) where the whole layer went
     * @param dampening of its input's Hessian; absent where none was factorised
     */
    public record ProjectionSparsity(
            int layer,
            String projection,
            Optional<Double> outlierRatio,
            double nominal,
            double realised,
            List<Integer> shapeBefore,
            List<Integer> shapeAfter,
            Optional<Double> dampening) {}

    /**
     * Whole layers that went before anything else.
     *
     * @param heldOutWindows number of windows that the choice was made on
     * @param heldOutLength tokens of each
     * @param independent whether none of their tokens calibrates
     * @param dropped in the order of their removal
     */
    public record Depth(
            int heldOutWindows, int heldOutLength, boolean independent, List<DepthSearch.Dropped> dropped) {}

    /**
     * The perplexity of the dense and of the pruned model on one text.
     *
     * @param windows that were measured; absent in reports of before they were counted
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
     * Bytes.
     *
     * @param weightBytes of the weights as stored
     * @param peakBytes while each model generated alone; absent where latency was not asked for
     * @param peakKind what peakBytes measures
     */
    public record Memory(ComparedBytes weightBytes, Optional<ComparedBytes> peakBytes, Optional<String> peakKind) {}

    public record ComparedBytes(long dense, long pruned) {}

    /**
     * How the pruning stage used the machine, all targets together.
     *
     * @param layerSeconds of each layer that this attempt pruned, in order
     * @param flops floating-point operations per second of its matrix products, over the whole stage
     * @param productFlops those of a plain product of 2048², measured before it in the same precision
     * @param peakBytes most memory in use since the job began, evaluation aside; absent where the system tells none
     * @param peakKind what peakBytes measures
     */
    public record Speed(
            List<Double> layerSeconds, double flops, double productFlops, Optional<Long> peakBytes, String peakKind) {}

    public record StageTime(PipelineStage stage, double seconds) {}

    /**
     * What another person needs to repeat the run.
     *
     * @param corpora SHA-256 of each text by name
     * @param rankingReused whether the ranking came from the store
     * @param layersTakenOver layers that an earlier attempt of the job had finished
     * @param computePrecision of every forward
     */
    public record Provenance(
            String model,
            String modelSha256,
            Map<String, String> corpora,
            int samples,
            int sequenceLength,
            String sampling,
            long seed,
            boolean rankingReused,
            int layersTakenOver,
            String device,
            Precision computePrecision,
            int threads,
            Map<String, String> versions) {}
}
