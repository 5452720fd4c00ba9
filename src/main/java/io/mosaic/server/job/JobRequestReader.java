package io.mosaic.server.job;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
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
import io.mosaic.server.corpus.CorpusCatalog;
import io.mosaic.server.corpus.TokenCounts;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.error.Violation;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelFacts;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.request.RequestFields;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.springframework.stereotype.Component;
import tools.jackson.databind.node.ObjectNode;

/** Resolves a client's request against models, corpora and defaults, and reports all its faults together. */
@Component
class JobRequestReader {
    private static final int LEAST_ITERATIONS = 4;
    private static final int MOST_ITERATIONS = 100;
    private static final double MOST_SPARSITY = 0.95;
    private static final int MOST_TARGETS = 16;
    private static final double MOST_SEARCH = 1000;
    private static final double MOST_LAMBDA = 0.5;
    private static final double MOST_THRESHOLD = 1000;
    private static final double PATTERN_TOLERANCE = 1e-9;
    private static final int MOST_CORPORA = 16;
    private static final int MOST_OF_NAME = 64;

    private final ModelCatalog models;
    private final CorpusCatalog corpora;
    private final TokenCounts tokens;
    private final JobQueue queue;
    private final JobDefaults defaults;
    private final CallbackRule callbacks;

    JobRequestReader(
            ModelCatalog models,
            CorpusCatalog corpora,
            TokenCounts tokens,
            JobQueue queue,
            JobDefaults defaults,
            CallbackRule callbacks) {
        this.models = models;
        this.corpora = corpora;
        this.tokens = tokens;
        this.queue = queue;
        this.defaults = defaults;
        this.callbacks = callbacks;
    }

    /**
     * A request and the model to prune.
     *
     * @param longestText tokens of the longest text that are measured
     * @param measuredTokens tokens of all texts that are measured, for one model
     */
    record Resolved(JobRequest request, ModelCatalog.Entry model, int longestText, long measuredTokens) {
        Architecture architecture() {
            return model.requireFacts().architecture();
        }
    }

    /** Whether the models that a request makes must be new. */
    enum Outputs {
        NEW,
        ANY
    }

    /** @throws InvalidRequestException with every fault */
    Resolved read(ObjectNode body, UUID id, Outputs outputs) {
        return new Reading(body, id, outputs).read();
    }

    private final class Reading {
        private final UUID id;
        private final Outputs outputs;
        private final List<Violation> violations = new ArrayList<>();
        private final RequestFields fields;
        private Optional<ModelCatalog.Entry> source = Optional.empty();
        private int longestText;
        private long measuredTokens;

        Reading(ObjectNode body, UUID id, Outputs outputs) {
            this.id = id;
            this.outputs = outputs;
            this.fields = new RequestFields(body, violations);
        }

        Resolved read() {
            String model = fields.text("model").orElse("");
            source = model(model);
            Optional<List<Double>> sparsity = sparsity();
            Optional<JobRequest.Pattern> pattern = pattern();
            boolean grouped = pattern.filter(p -> p.value() instanceof SparsityPattern.Grouped)
                    .isPresent();
            Category category = fields.choice("category", Category.class)
                    .orElse(grouped ? Category.UNSTRUCTURED : Category.COMPOSITE);
            Optional<UnstructuredMethod> method = fields.choice("method", UnstructuredMethod.class);
            Optional<Integer> solverIterations = fields.count("solverIterations", LEAST_ITERATIONS, MOST_ITERATIONS);
            Optional<Integer> refitIterations = fields.count("refitIterations", 0, MOST_ITERATIONS);
            AllocationMethod allocation = fields.choice("allocation", AllocationMethod.class)
                    .orElse(grouped ? AllocationMethod.UNIFORM : AllocationMethod.AUTO);
            Optional<JobRequest.Share> share = fields.betweenOr("structuredShare", 0, 1, JobRequest.Share.AUTO)
                    .map(JobRequest.Share::of);
            Optional<StructuredScore> score = fields.choice("structuredScore", StructuredScore.class);
            Optional<Layout> layout = fields.choice("layout", Layout.class);
            double threshold =
                    fields.above("outlierThreshold", 0, MOST_THRESHOLD).orElse(5.0);
            double lambda = fields.between("lambda", 0, MOST_LAMBDA).orElse(0.08);
            Propagation propagation =
                    fields.choice("propagation", Propagation.class).orElse(Propagation.PRUNED);
            boolean trueSequential = fields.flag("trueSequential").orElse(false);
            ComputePrecision precision =
                    fields.choice("computePrecision", ComputePrecision.class).orElse(ComputePrecision.AUTO);
            Optional<Integer> alignment = fields.count("alignment");
            int dropLayers = fields.count("dropLayers", 0).orElse(0);
            Optional<Double> searchBudget = fields.between("searchBudget", 1, MOST_SEARCH);
            if (share.filter(s -> s.value() instanceof StructuredShare.Auto).isPresent()
                    && allocation != AllocationMethod.AUTO) {
                fields.fault("structuredShare", "auto needs allocation auto, not " + allocation);
            }
            pattern.ifPresent(p -> checkPattern(p.value(), sparsity, category, allocation));
            JobRequest.Solver solver =
                    solver(category, method.orElse(JobRequest.METHOD), allocation, solverIterations, refitIterations);
            if (trueSequential) {
                checkTrueSequential(category, solver.method(), propagation);
            }
            if (dropLayers > 0) {
                checkDropped(dropLayers, category);
            }
            JobRequest.Calibration calibration = calibration();
            JobRequest.Evaluation evaluation = evaluation();
            String output = output(model, category, sparsity);
            Optional<String> callbackUrl = fields.text("callbackUrl");
            callbackUrl.ifPresent(url -> callbacks.faults(url).forEach(fault -> fields.fault("callbackUrl", fault)));
            fields.end();

            JobRequest request = new JobRequest(
                    model,
                    new JobRequest.Sparsity(sparsity.orElse(List.of(0.5))),
                    category,
                    category == Category.STRUCTURED ? Optional.empty() : Optional.of(solver.method()),
                    solver.solverIterations(),
                    solver.refitIterations(),
                    allocation,
                    category == Category.STRUCTURED
                            ? Optional.empty()
                            : Optional.of(pattern.orElse(new JobRequest.Pattern(new SparsityPattern.Free()))),
                    category == Category.COMPOSITE
                            ? Optional.of(share.orElse(JobRequest.Share.of(0.5)))
                            : Optional.empty(),
                    category == Category.UNSTRUCTURED
                            ? Optional.empty()
                            : Optional.of(score.orElse(StructuredScore.OBS)),
                    category == Category.UNSTRUCTURED ? Optional.empty() : Optional.of(layout.orElse(Layout.UNIFORM)),
                    category == Category.UNSTRUCTURED
                            ? Optional.empty()
                            : Optional.of(alignment.orElse(JobRequest.ALIGNMENT)),
                    category == Category.UNSTRUCTURED ? Optional.empty() : Optional.of(dropLayers),
                    threshold,
                    lambda,
                    allocation == AllocationMethod.AUTO
                            ? Optional.of(searchBudget.orElse(JobRequest.SEARCH_BUDGET))
                            : Optional.empty(),
                    Optional.of(propagation),
                    category == Category.STRUCTURED ? Optional.empty() : Optional.of(trueSequential),
                    Optional.of(precision),
                    calibration,
                    evaluation,
                    output,
                    callbackUrl);
            checkOutputs(request);
            checkPlan(request);
            if (!violations.isEmpty()) {
                throw new InvalidRequestException(violations);
            }
            return new Resolved(request, source.orElseThrow(), longestText, measuredTokens);
        }

        private Optional<ModelFacts> facts() {
            return source.flatMap(ModelCatalog.Entry::facts);
        }

        private Optional<ModelCatalog.Entry> model(String wished) {
            if (wished.isEmpty()) {
                fields.fault("model", "is required: the id of a model in the catalogue, like mosaic/demo");
                return Optional.empty();
            }
            Optional<ModelCatalog.Entry> entry = ModelId.parse(wished).flatMap(models::find);
            if (entry.isEmpty()) {
                fault(
                        "model",
                        ErrorCode.MODEL_NOT_FOUND,
                        "no model " + RequestFields.quoted(wished) + "; GET /models lists them");
            }
            entry.flatMap(ModelCatalog.Entry::fault).ifPresent(e -> fault("model", e.code(), e.detail()));
            return entry;
        }

        private Optional<List<Double>> sparsity() {
            Optional<List<Double>> sparsity = fields.aboveEach("sparsity", 0, MOST_SPARSITY, MOST_TARGETS);
            if (fields.absent("sparsity")) {
                fields.fault(
                        "sparsity",
                        "is required: a number above 0 and at most " + MOST_SPARSITY + ", or a list of them");
            }
            return sparsity;
        }

        private JobRequest.Solver solver(
                Category category,
                UnstructuredMethod method,
                AllocationMethod allocation,
                Optional<Integer> solverIterations,
                Optional<Integer> refitIterations) {
            if (category == Category.STRUCTURED) {
                solverIterations.ifPresent(
                        given -> fields.fault("solverIterations", "category structured zeroes nothing"));
                refitIterations.ifPresent(
                        given -> fields.fault("refitIterations", "category structured zeroes nothing"));
                return new JobRequest.Solver(method, Optional.empty(), Optional.empty());
            }
            boolean published = allocation == AllocationMethod.AS_PUBLISHED;
            if (method != UnstructuredMethod.ADMM) {
                solverIterations.ifPresent(given ->
                        fields.fault("solverIterations", "method " + method + " has none; admm and the refit have"));
            }
            refitIterations
                    .filter(given -> published && given > 0)
                    .ifPresent(given -> fields.fault("refitIterations", "allocation as-published fits nothing"));
            return new JobRequest.Solver(
                    method,
                    method == UnstructuredMethod.ADMM
                            ? Optional.of(solverIterations.orElse(PruningRecipe.Removal.SOLVER_ITERATIONS))
                            : Optional.empty(),
                    Optional.of(refitIterations.orElse(published ? 0 : method.refitIterations())));
        }

        private void checkTrueSequential(Category category, UnstructuredMethod method, Propagation propagation) {
            if (category == Category.STRUCTURED) {
                fields.fault("trueSequential", "category structured zeroes nothing");
            } else if (method == UnstructuredMethod.MAGNITUDE) {
                fields.fault("trueSequential", "method magnitude looks at no inputs");
            }
            if (propagation == Propagation.DENSE) {
                fields.fault("trueSequential", "propagation dense looks at dense inputs only");
            }
        }

        private void checkDropped(int dropLayers, Category category) {
            if (category == Category.UNSTRUCTURED) {
                fields.fault("dropLayers", "category unstructured removes nothing physically");
            }
            facts().map(facts -> facts.architecture().depth())
                    .filter(layers -> dropLayers >= layers)
                    .ifPresent(layers -> fields.fault(
                            "dropLayers", dropLayers + " is not below the " + layers + " layers of the model"));
        }

        private Optional<JobRequest.Pattern> pattern() {
            return fields.text("pattern").flatMap(text -> {
                try {
                    return Optional.of(JobRequest.Pattern.of(text));
                } catch (IllegalArgumentException e) {
                    fields.fault(
                            "pattern",
                            RequestFields.quoted(text) + " is neither unstructured nor N:M with 0 < N < M <= "
                                    + SparsityPattern.Grouped.MAX_M);
                    return Optional.empty();
                }
            });
        }

        private void checkPattern(
                SparsityPattern pattern,
                Optional<List<Double>> sparsity,
                Category category,
                AllocationMethod allocation) {
            if (!(pattern instanceof SparsityPattern.Grouped grouped)) {
                return;
            }
            sparsity.orElse(List.of()).stream()
                    .filter(share -> Math.abs(share - grouped.share()) > PATTERN_TOLERANCE)
                    .forEach(share -> fields.fault(
                            "sparsity",
                            share + " does not match pattern " + grouped.n() + ":" + grouped.m() + ", which removes "
                                    + grouped.share()));
            if (category != Category.UNSTRUCTURED) {
                fields.fault("category", "a pattern needs category unstructured, not " + category);
            }
            if (allocation != AllocationMethod.UNIFORM) {
                fields.fault("allocation", "a pattern needs allocation uniform, not " + allocation);
            }
            facts().stream()
                    .flatMap(facts -> facts.architecture().shapes().stream())
                    .flatMap(shape -> shape.sites().stream().map(shape::width))
                    .distinct()
                    .filter(width -> width % grouped.m() != 0)
                    .forEach(width -> fields.fault(
                            "pattern", "rows of " + width + " inputs do not split into groups of " + grouped.m()));
        }

        private JobRequest.Calibration calibration() {
            RequestFields calibration = fields.object("calibration");
            Optional<String> name = calibration.text("corpus");
            Optional<Integer> samples = calibration.count("samples");
            Optional<Integer> length = calibration.count("sequenceLength");
            long seed = calibration.whole("seed").orElse(0L);
            Sampling sampling = calibration.choice("sampling", Sampling.class).orElse(Sampling.RANDOM);
            boolean bos = bos(calibration);
            calibration.end();

            String corpus = name.orElse(defaults.calibrationCorpus());
            OptionalInt held = tokens("calibration.corpus", corpus);
            CalibrationWindows windows = new CalibrationWindows(samples.orElse(1), length.orElse(1));
            if (held.isPresent() && facts().isPresent()) {
                int begin = bos ? 1 : 0;
                int context = facts().get().architecture().contextLength();
                int tokenCount = held.getAsInt();
                int longest = Math.min(context, tokenCount + begin);
                int chosen = length.orElse(CalibrationWindows.usualLength(tokenCount + begin, context));
                if (chosen > context) {
                    calibration.fault("sequenceLength", chosen + " exceeds the model's context of " + context);
                } else if (chosen - begin > tokenCount) {
                    fault(
                            "calibration.corpus",
                            ErrorCode.CORPUS_TOO_SHORT,
                            RequestFields.quoted(corpus) + " has " + tokenCount + " tokens, one window needs "
                                    + (chosen - begin));
                } else if (chosen < 2) {
                    calibration.fault("sequenceLength", chosen + " is not from 2 to " + longest);
                }
                int text = Math.max(1, Math.min(chosen, longest) - begin);
                int fitting = CalibrationWindows.held(tokenCount, text);
                boolean holdsOne = tokenCount >= Math.min(chosen, context) - begin;
                if (holdsOne && samples.isPresent() && samples.get() > fitting) {
                    calibration.fault(
                            "samples",
                            samples.get() + " exceeds the " + fitting + " windows of " + Math.min(chosen, longest)
                                    + " tokens that " + RequestFields.quoted(corpus) + " holds");
                }
                windows = new CalibrationWindows(
                        samples.orElse(CalibrationWindows.usualSamples(tokenCount, Math.max(1, chosen - begin))),
                        chosen);
            }
            return new JobRequest.Calibration(
                    corpus, windows.samples(), windows.length(), seed, sampling, Optional.of(bos));
        }

        /** Whether windows begin with a BOS: as the request says, else as the tokenizer's configuration says. */
        private boolean bos(RequestFields part) {
            Optional<Boolean> wished = part.flag("bos");
            if (wished.orElse(false)
                    && facts().filter(facts -> facts.bos().id().isEmpty()).isPresent()) {
                part.fault("bos", "the model's tokenizer has no BOS token");
            }
            return wished.orElseGet(
                    () -> facts().map(facts -> facts.bos().added()).orElse(false));
        }

        private JobRequest.Evaluation evaluation() {
            RequestFields evaluation = fields.object("evaluation");
            List<String> wished = evaluation.texts("perplexity").orElse(defaults.evaluationCorpora());
            boolean latency = evaluation.flag("latency").orElse(true);
            int windows = evaluation.count("windows").orElse(Perplexity.Protocol.usualWindows());
            Optional<Integer> length = evaluation
                    .count("sequenceLength")
                    .or(() -> facts().map(facts -> Perplexity.Protocol.usualLength(facts.architecture())));
            boolean bos = bos(evaluation);
            evaluation.end();
            List<String> names = List.copyOf(new LinkedHashSet<>(wished));
            if (names.size() > MOST_CORPORA) {
                evaluation.fault("perplexity", names.size() + " corpora are more than " + MOST_CORPORA);
                names = List.of();
            }
            JobRequest.Evaluation result =
                    new JobRequest.Evaluation(names, latency, Optional.of(windows), length, Optional.of(bos));
            if (facts().isEmpty()) {
                names.forEach(corpus -> tokens("evaluation.perplexity", corpus));
            } else {
                int context = facts().get().architecture().contextLength();
                int chosen = length.orElseThrow();
                if (chosen < 2 || chosen > context) {
                    evaluation.fault("sequenceLength", chosen + " is not from 2 to the model's context of " + context);
                    return result;
                }
                Perplexity.Protocol protocol = result.protocol(
                        facts().get().architecture(), facts().get().bos());
                names.forEach(corpus -> checkText(corpus, protocol));
            }
            return result;
        }

        private void checkText(String corpus, Perplexity.Protocol protocol) {
            OptionalInt held = tokens("evaluation.perplexity", corpus);
            if (held.isPresent()) {
                int measured = protocol.windowsOf(held.getAsInt());
                longestText = Math.max(longestText, measured * protocol.length());
                measuredTokens += (long) measured * protocol.length();
                if (measured == 0) {
                    fault(
                            "evaluation.perplexity",
                            ErrorCode.CORPUS_TOO_SHORT,
                            RequestFields.quoted(corpus) + " has " + held.getAsInt() + " tokens, one window needs "
                                    + protocol.textLength());
                }
            }
        }

        /** Tokens of a corpus; empty, with the fault noted, if they cannot be counted. */
        private OptionalInt tokens(String field, String name) {
            Optional<CorpusCatalog.Entry> corpus = corpora.find(name);
            if (corpus.isEmpty()) {
                fault(
                        field,
                        ErrorCode.CORPUS_NOT_FOUND,
                        "no corpus " + RequestFields.quoted(name) + "; GET /corpora lists them");
            }
            if (corpus.isEmpty() || facts().isEmpty()) {
                return OptionalInt.empty();
            }
            try {
                return OptionalInt.of(tokens.count(
                        source.orElseThrow().folder(),
                        facts().get().architecture().vocabularySize(),
                        corpus.get()));
            } catch (MosaicException e) {
                fault(field, e.code(), e.detail());
                return OptionalInt.empty();
            }
        }

        private String output(String model, Category category, Optional<List<Double>> sparsity) {
            return fields.text("output").orElseGet(() -> {
                String share = sparsity.filter(shares -> shares.size() == 1)
                        .map(shares -> String.format(Locale.ROOT, "-%.0f", 100 * shares.getFirst()))
                        .orElse("");
                return shortened(model) + "-" + category + share + "-"
                        + id.toString().substring(0, 8);
            });
        }

        private void checkOutputs(JobRequest request) {
            if (source.isEmpty() && fields.absent("output")) {
                return; // the name is made from the model's
            }
            for (String wished : request.outputs()) {
                Optional<ModelId> output = ModelId.parse(wished);
                if (output.isEmpty()) {
                    fields.fault("output", RequestFields.quoted(wished) + " is not " + ModelId.RULE);
                } else if (outputs == Outputs.ANY) {
                    continue;
                } else if (queue.reserved(wished)) { // checked first: a job that ends in between has published
                    fault("output", ErrorCode.OUTPUT_TAKEN, "an unfinished job is making " + output.get());
                } else if (models.taken(output.get())) {
                    fault("output", ErrorCode.OUTPUT_TAKEN, "model " + output.get() + " exists already");
                }
            }
        }

        /** Shortens a long name, so that the name made from it is valid, too. */
        private static String shortened(String model) {
            int end = Math.min(model.length(), model.indexOf('/') + 1 + MOST_OF_NAME);
            return model.substring(0, end);
        }

        /** Finds the faults visible from shapes alone now, not when the job runs. */
        private void checkPlan(JobRequest request) {
            if (!violations.isEmpty()) {
                return;
            }
            Forecast forecast = request.forecast(facts().orElseThrow().architecture());
            for (int i = 0; i < request.outputs().size(); i++) {
                try {
                    forecast.expected(i, Optional.empty(), Optional.empty());
                } catch (MosaicException e) {
                    fault(e.code() == ErrorCode.INVALID_REQUEST ? "layout" : "sparsity", e.code(), e.detail());
                }
            }
        }

        private void fault(String field, ErrorCode code, String message) {
            violations.add(new Violation(field, code, message));
        }
    }
}
