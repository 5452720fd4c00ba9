package io.mosaic.server.plan;

import io.mosaic.engine.allocation.SensitivityAllocation;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pipeline.PipelineStage;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.search.SearchCost;
import io.mosaic.engine.search.ShapeCandidate;
import io.mosaic.server.corpus.CorpusCatalog;
import io.mosaic.server.job.JobRequest;
import io.mosaic.server.job.JobService;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelFacts;
import io.mosaic.server.report.MeasurementAlias;
import io.mosaic.server.report.MeasurementTable;
import io.mosaic.server.report.Reports;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.springframework.stereotype.Service;
import tools.jackson.databind.node.ObjectNode;

/** Works out what a job would do from headers and stored measurements; reads no weight and runs nothing. */
@Service
class Plans {
    private final JobService jobs;
    private final CorpusCatalog corpora;
    private final MeasurementTable<OutlierRanking> rankings;
    private final MeasurementTable<SensitivityProfile> profiles;
    private final Reports reports;

    Plans(
            JobService jobs,
            CorpusCatalog corpora,
            MeasurementTable<OutlierRanking> rankings,
            MeasurementTable<SensitivityProfile> profiles,
            Reports reports) {
        this.jobs = jobs;
        this.corpora = corpora;
        this.rankings = rankings;
        this.profiles = profiles;
        this.reports = reports;
    }

    /**
     * A plan per sparsity.
     *
     * @throws io.mosaic.server.error.InvalidRequestException as for a job
     */
    List<PlanView> plan(ObjectNode body) {
        JobService.Checked checked = jobs.check(body);
        JobRequest request = checked.request();
        ModelCatalog.Entry model = checked.model();
        ModelFacts facts = model.requireFacts();
        List<LayerShape> layers = facts.architecture().shapes();
        List<LayerShape> left = request.left(layers).stream().map(layers::get).toList();
        long prunable = LayerShape.parameters(layers);
        long dropped = prunable - LayerShape.parameters(left);
        boolean guessed = left.size() < layers.size() && Set.copyOf(layers).size() > 1; // it matters which are removed
        MeasurementAlias alias = MeasurementAlias.of(
                request, model, corpora.find(request.calibration().corpus()).orElseThrow());
        Optional<Double> seconds = seconds(request, facts.architecture()); // of the whole job
        PlanView.Evaluation evaluation = evaluation(checked, facts.architecture());
        return IntStream.range(0, request.recipes().size())
                .mapToObj(i -> {
                    Based based = based(request.recipes().get(i).rest(layers, left), left, alias);
                    PruningPlan plan = based.plan();
                    long zeros = plan.zeros().projections().stream()
                            .mapToLong(id -> plan.zeros().target(id).zeros())
                            .sum();
                    long removed = dropped + plan.structure().removedParameters();
                    return new PlanView(
                            request,
                            request.outputs().get(i),
                            guessed ? PlanView.Basis.UNMEASURED : based.basis(),
                            prunable,
                            removed,
                            zeros,
                            PlanView.layers(plan),
                            new PruningReport.ComparedBytes(
                                    facts.weightBytes(),
                                    facts.weightBytes()
                                            - Math.round((double) removed * facts.weightBytes() / facts.parameters())),
                            checked.needsBytes(),
                            evaluation,
                            seconds);
                })
                .toList();
    }

    private record Based(PlanView.Basis basis, PruningPlan plan) {}

    private Based based(PruningRecipe recipe, List<LayerShape> layers, MeasurementAlias alias) {
        if (!recipe.ranked()) {
            return new Based(
                    recipe.searched() ? PlanView.Basis.UNMEASURED : PlanView.Basis.SHAPES,
                    PruningPlan.of(recipe, layers, OutlierRanking.none(layers)));
        }
        Optional<OutlierRanking> ranking = rankings.findByAlias(alias.ranking());
        PruningPlan plan = PruningPlan.of(recipe, layers, ranking.orElse(OutlierRanking.none(layers)));
        if (recipe.searched()) {
            return profiles.findByAlias(alias.profile())
                    .map(profile -> new Based(PlanView.Basis.SENSITIVITIES, first(recipe, layers, ranking, profile)))
                    .orElse(new Based(PlanView.Basis.UNMEASURED, plan));
        }
        return new Based(ranking.isPresent() ? PlanView.Basis.RANKING : PlanView.Basis.UNMEASURED, plan);
    }

    /** The first candidate of the search. */
    private static PruningPlan first(
            PruningRecipe recipe,
            List<LayerShape> layers,
            Optional<OutlierRanking> ranking,
            SensitivityProfile profile) {
        StructuredPlan structure = ShapeCandidate.of(
                        recipe,
                        layers,
                        ranking.orElse(OutlierRanking.none(layers)),
                        Optional.of(profile),
                        recipe.structuredShare().start())
                .getFirst()
                .structure();
        return new PruningPlan(
                structure,
                SensitivityAllocation.of(
                        profile, structure.after(), PruningPlan.zeros(recipe, structure), (MapId id) -> 1));
    }

    /** Duration of the last finished job of the same kind, scaled by the ratio of their operations. */
    private Optional<Double> seconds(JobRequest request, Architecture architecture) {
        return reports.latest(finished -> finished.method().equals(request.method())
                        && finished.recipe().searched() == request.recipe().searched())
                .map(latest -> latest.report().stages().stream()
                                .mapToDouble(PruningReport.StageTime::seconds)
                                .sum()
                        * operations(request, architecture)
                        / operations(latest.request(), latest.architecture()));
    }

    /**
     * The cost of measuring perplexity, its time scaled from the last finished job by the ratio of their operations.
     */
    private PlanView.Evaluation evaluation(JobService.Checked checked, Architecture architecture) {
        long tokens =
                checked.measuredTokens() * (1 + checked.request().outputs().size());
        double operations = Perplexity.operations(architecture, tokens);
        Optional<Double> seconds = reports.latest(
                        finished -> !finished.evaluation().perplexity().isEmpty()
                                && !finished.evaluation().latency()) // timed in the same stage
                .filter(latest -> measuredTokens(latest) > 0
                        && latest.architecture().name().equals(architecture.name()))
                .map(latest -> latest.report().stages().stream()
                                .filter(time -> time.stage() == PipelineStage.EVALUATING)
                                .mapToDouble(PruningReport.StageTime::seconds)
                                .sum()
                        * operations
                        / Perplexity.operations(latest.architecture(), measuredTokens(latest)));
        return new PlanView.Evaluation(tokens, operations, seconds);
    }

    /** Tokens measured on all models of a finished job together. */
    private static long measuredTokens(Reports.Finished finished) {
        JobRequest.Evaluation evaluation = finished.request().evaluation();
        long windows = finished.report().perplexity().stream()
                .mapToLong(result -> result.windows().orElse(0))
                .sum();
        return windows
                * evaluation.sequenceLength().orElse(0)
                * (1 + finished.request().outputs().size());
    }

    private static double operations(JobRequest request, Architecture architecture) {
        return new SearchCost(request.left(architecture), request.calibration().windows(), request.recipe())
                .operations(
                        request.recipe(),
                        request.recipes().size(),
                        request.dropLayers().orElse(0));
    }
}
