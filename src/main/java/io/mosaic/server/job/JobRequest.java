package io.mosaic.server.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.checkpoint.Bos;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pipeline.ComputePrecision;
import io.mosaic.engine.pipeline.Forecast;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.swagger.v3.oas.annotations.media.Schema;
import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;

/**
 * A client's request, every default resolved. Fields that the category does not use are absent.
 *
 * @param sparsity share of the prunable parameters to remove, one or several
 * @param output id of the pruned model; for several models, the part before their shares
 * @param callbackUrl address that is called when the job has ended
 */
@Schema(requiredProperties = {"model", "sparsity"})
public record JobRequest(
        @Schema(description = "Id in the model catalogue", example = "mosaic/demo")
        String model,

        @Schema(
                description = "Removed share of the prunable parameters, above 0 and at most 0.95; or a list of up to "
                        + "16, which makes a model each and shares what they have in common",
                example = "0.5",
                oneOf = {Double.class, Double[].class})
        Sparsity sparsity,

        @Schema(
                description = "What is removed: single weights, whole heads and channels, or both",
                defaultValue = "composite")
        Category category,

        @Schema(
                description = "How single weights are chosen",
                implementation = UnstructuredMethod.class,
                defaultValue = "admm")
        Optional<UnstructuredMethod> method,

        @Schema(
                description = "Method admm only: its iterations; each is one product of a projection and its Hessian",
                implementation = Integer.class,
                minimum = "4",
                maximum = "100",
                defaultValue = "20")
        Optional<Integer> solverIterations,

        @Schema(
                description = "Iterations that fit the weights that stay to the dense outputs, the zeros fixed; by "
                        + "default 3 for sparsegpt, 5 for admm, 0 for wanda, magnitude and allocation as-published",
                implementation = Integer.class,
                minimum = "0",
                maximum = "100")
        Optional<Integer> refitIterations,

        @Schema(
                description = "How the target is spread over the projections; auto measures, as-published is the "
                        + "released code's, which misses its budget",
                defaultValue = "auto")
        AllocationMethod allocation,

        @Schema(
                description =
                        "unstructured, or N:M (category unstructured; sparsity equals N/M, allocation is uniform)",
                example = "unstructured",
                type = "string")
        Optional<Pattern> pattern,

        @Schema(
                description = "Composite only: the part of the removal that is physical, 0 to 1; or auto, with "
                        + "allocation auto: as much as costs hardly any quality",
                example = "0.5",
                oneOf = {Double.class, String.class},
                defaultValue = "0.5")
        Optional<Share> structuredShare,

        @Schema(
                description = "Which heads and channels go",
                implementation = StructuredScore.class,
                defaultValue = "obs")
        Optional<StructuredScore> structuredScore,

        @Schema(
                description =
                        "Shapes that are left: uniform, every layer alike, as stock runtimes load it; or per-layer, "
                                + "each layer its own by the allocation, which Mosaic loads and no stock loader of "
                                + "transformers, vLLM or llama.cpp does",
                implementation = Layout.class,
                defaultValue = "uniform")
        Optional<Layout> layout,

        @Schema(
                description = "The MLP width that is left is a multiple of it; 256 suits quantised formats, "
                        + "small models need 1 to 32",
                implementation = Integer.class,
                minimum = "1",
                defaultValue = "32")
        Optional<Integer> alignment,

        @Schema(
                description = "Whole layers that go first and count as removed; those whose loss changes the "
                        + "predictions least",
                implementation = Integer.class,
                minimum = "0",
                defaultValue = "0")
        Optional<Integer> dropLayers,

        @Schema(description = "M of the outlier ranking", defaultValue = "5")
        double outlierThreshold,

        @Schema(description = "Half the spread of the densities", defaultValue = "0.08")
        double lambda,

        @Schema(
                description = "Allocation auto only: what the search may cost, in pruning passes; more finds better",
                implementation = Double.class,
                minimum = "1",
                maximum = "1000",
                defaultValue = "2")
        Optional<Double> searchBudget,

        @Schema(
                description =
                        "What a layer sees while it is pruned: the pruned layers before it (best quality), or the "
                                + "dense ones (one forward less a layer)",
                implementation = Propagation.class,
                defaultValue = "pruned")
        Optional<Propagation> propagation,

        @Schema(
                description = "Whether o, then gate and up, then down are calibrated on what the projections before "
                        + "them give out once pruned; three forwards more a layer",
                implementation = Boolean.class,
                defaultValue = "false")
        Optional<Boolean> trueSequential,

        @Schema(
                description = "Number format of the large products, in every forward: f32, bf16 (several times the "
                        + "speed on devices made for it), or auto: bf16 where the model is stored in 16 bits and the "
                        + "device is faster at it",
                implementation = ComputePrecision.class,
                defaultValue = "auto")
        Optional<ComputePrecision> computePrecision,

        Calibration calibration,
        Evaluation evaluation,

        @Schema(
                description = "Id of the pruned model; made up when absent. A list of sparsities appends each in "
                        + "percent, like mosaic/demo-50",
                example = "mosaic/demo-50",
                requiredMode = Schema.RequiredMode.NOT_REQUIRED)
        String output,

        @Schema(
                description =
                        "Absolute http or https URL. Once the job has ended, it is POSTed a CloudEvents 1.0 event "
                                + "io.mosaic.job.succeeded, .failed or .cancelled (application/cloudevents+json) whose data is "
                                + "the job. Mosaic-Signature holds t=<seconds>,v1=<HMAC-SHA256 of t.body in hex>. Repeated "
                                + "until answered with 2xx, so the same id may come twice",
                implementation = String.class,
                format = "uri",
                maxLength = 2000,
                example = "https://example.org/hooks/mosaic")
        Optional<String> callbackUrl) {
    /** MLP channels stay a multiple of this number, as quantised formats require. */
    static final int ALIGNMENT = 32;

    static final double SEARCH_BUDGET = 2;

    static final UnstructuredMethod METHOD = UnstructuredMethod.ADMM;

    private static final String BOS =
            "Whether each window begins with the tokenizer's BOS, which is then the first of its tokens; by default as "
                    + "the tokenizer's configuration says";

    /** Removed shares as they are written in requests: a number, or a list of several. */
    public record Sparsity(List<Double> shares) {
        public Sparsity {
            shares = List.copyOf(shares);
        }

        @JsonCreator
        static Sparsity of(Object written) {
            List<?> numbers = written instanceof List<?> list ? list : List.of(written);
            return new Sparsity(numbers.stream()
                    .map(number -> ((Number) number).doubleValue())
                    .toList());
        }

        @JsonValue
        Object written() {
            return shares.size() == 1 ? shares.getFirst() : shares;
        }
    }

    /** A structured share as it is written in requests: a number, or "auto". */
    public record Share(StructuredShare value) {
        static final String AUTO = "auto";

        @JsonCreator
        static Share of(Object written) {
            return new Share(
                    written instanceof Number number
                            ? new StructuredShare.Fixed(number.doubleValue())
                            : new StructuredShare.Auto());
        }

        @JsonValue
        Object written() {
            return switch (value) {
                case StructuredShare.Fixed fixed -> fixed.value();
                case StructuredShare.Auto auto -> AUTO;
            };
        }
    }

    /** The texts for calibration. */
    public record Calibration(
            @Schema(defaultValue = "demo-calibration") String corpus,

            @Schema(description = "Windows; the default shrinks to what the corpus holds", defaultValue = "128")
            int samples,

            @Schema(description = "Tokens of a window; the default shrinks to the context", defaultValue = "2048")
            int sequenceLength,

            @Schema(defaultValue = "0") long seed,
            @Schema(defaultValue = "random") Sampling sampling,

            @Schema(description = BOS, implementation = Boolean.class)
            Optional<Boolean> bos) {
        /** How many windows of how many tokens. */
        public CalibrationWindows windows() {
            return new CalibrationWindows(samples, sequenceLength);
        }

        /** @param token the model's */
        public CalibrationWindows windows(Bos token) {
            return new CalibrationWindows(samples, sequenceLength, begin(bos, token));
        }
    }

    private static OptionalInt begin(Optional<Boolean> bos, Bos token) {
        return bos.orElse(false) ? token.id() : OptionalInt.empty();
    }

    /** What to measure, dense against pruned. */
    public record Evaluation(
            @Schema(description = "Corpora", defaultValue = "[\"demo-test\"]")
            List<String> perplexity,

            @Schema(defaultValue = "true") boolean latency,

            @Schema(
                    description = "Windows of each text that are measured at most, from its beginning",
                    implementation = Integer.class,
                    minimum = "1",
                    defaultValue = "64")
            Optional<Integer> windows,

            @Schema(
                    description = "Tokens of a window; by default the model's context, at most 2048",
                    implementation = Integer.class,
                    minimum = "2")
            Optional<Integer> sequenceLength,

            @Schema(description = BOS, implementation = Boolean.class)
            Optional<Boolean> bos) {
        /** How to measure a model's perplexity. */
        public Perplexity.Protocol protocol(Architecture model, Bos token) {
            return new Perplexity.Protocol(
                    windows.orElse(Perplexity.Protocol.usualWindows()),
                    sequenceLength.orElse(Perplexity.Protocol.usualLength(model)),
                    begin(bos, token));
        }
    }

    /** A pattern as it is written in requests. */
    public record Pattern(SparsityPattern value) {
        private static final java.util.regex.Pattern GROUPED = java.util.regex.Pattern.compile("(\\d{1,2}):(\\d{1,2})");

        /** @throws IllegalArgumentException when {@code text} is neither "unstructured" nor N:M */
        @JsonCreator
        static Pattern of(String text) {
            if (text.equals("unstructured")) {
                return new Pattern(new SparsityPattern.Free());
            }
            Matcher matcher = GROUPED.matcher(text);
            if (!matcher.matches()) {
                throw new IllegalArgumentException("No pattern " + text);
            }
            return new Pattern(new SparsityPattern.Grouped(
                    Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2))));
        }

        @Override
        @JsonValue
        public String toString() {
            return switch (value) {
                case SparsityPattern.Free free -> "unstructured";
                case SparsityPattern.Grouped grouped -> grouped.n() + ":" + grouped.m();
            };
        }
    }

    /** The ids of the models to make, one per sparsity. */
    public List<String> outputs() {
        return sparsity.shares().size() == 1
                ? List.of(output)
                : sparsity.shares().stream()
                        .map(share -> output + "-" + percent(share))
                        .toList();
    }

    /** 0.525 as 52.5. */
    static String percent(double share) {
        return BigDecimal.valueOf(share).movePointRight(2).stripTrailingZeros().toPlainString();
    }

    public ComputePrecision precision() {
        return computePrecision.orElse(ComputePrecision.AUTO);
    }

    /** The request as the engine reads it, one recipe per sparsity. */
    public List<PruningRecipe> recipes() {
        PruningRecipe first = recipe();
        return sparsity.shares().stream().map(first::withSparsity).toList();
    }

    /** What a job on such a model will make and take. */
    public Forecast forecast(Architecture architecture) {
        return new Forecast(architecture, recipes(), calibration.windows(), dropLayers.orElse(0));
    }

    /** The method that zeroes single weights, with its numbers of iterations. */
    record Solver(UnstructuredMethod method, Optional<Integer> solverIterations, Optional<Integer> refitIterations) {}

    /** Requests from before iterations were recorded did not fit the weights that stay. */
    private PruningRecipe.Removal removal() {
        return new PruningRecipe.Removal(
                method.orElse(METHOD),
                pattern.map(Pattern::value).orElse(new SparsityPattern.Free()),
                solverIterations.orElse(PruningRecipe.Removal.SOLVER_ITERATIONS),
                refitIterations.orElse(0));
    }

    /** The recipe of the first sparsity. */
    public PruningRecipe recipe() {
        return new PruningRecipe(
                sparsity.shares().getFirst(),
                category,
                removal(),
                new PruningRecipe.Structure(
                        structuredShare.map(Share::value).orElse(new StructuredShare.Fixed(0)),
                        structuredScore.orElse(StructuredScore.OBS),
                        layout.orElse(Layout.UNIFORM),
                        alignment.orElse(ALIGNMENT)),
                new PruningRecipe.Allocation(allocation, outlierThreshold, lambda, searchBudget.orElse(SEARCH_BUDGET)),
                propagation.orElse(Propagation.PRUNED),
                trueSequential.orElse(false));
    }
}
