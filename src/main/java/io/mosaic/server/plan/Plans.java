package io.mosaic.server.plan;

import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pipeline.Forecast;
import io.mosaic.engine.pipeline.PipelineStage;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.ranking.OutlierRanking;
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
        Forecast forecast = request.forecast(facts.architecture());
        MeasurementAlias alias = MeasurementAlias.of(
                request, model, corpora.find(request.calibration().corpus()).orElseThrow());
        Optional<OutlierRanking> ranking =
                request.recipe().ranked() ? rankings.findByAlias(alias.ranking()) : Optional.empty();
        Optional<SensitivityProfile> profile =
                request.recipe().profiled() ? profiles.findByAlias(alias.profile()) : Optional.empty();
        Optional<Double> seconds = seconds(request, forecast); // of the whole job
        PlanView.Evaluation evaluation = evaluation(checked, facts.architecture());
        Optional<PlanView.Search> search = search(request, forecast, evaluation, seconds);
        return IntStream.range(0, request.recipes().size())
                .mapToObj(i -> {
                    Forecast.Expected expected = forecast.expected(i, ranking, profile);
                    return new PlanView(
                            request,
                            request.outputs().get(i),
                            expected.basis(),
                            LayerShape.parameters(facts.architecture().shapes()),
                            expected.removed(),
                            expected.zeros(),
                            PlanView.layers(expected.plan()),
                            new PruningReport.ComparedBytes(
                                    facts.weightBytes(),
                                    facts.weightBytes()
                                            - Math.round((double) expected.removed()
                                                    * facts.weightBytes()
                                                    / facts.parameters())),
                            checked.needsBytes(),
                            evaluation,
                            search,
                            seconds);
                })
                .toList();
    }

    private static Optional<PlanView.Search> search(
            JobRequest request, Forecast forecast, PlanView.Evaluation evaluation, Optional<Double> seconds) {
        double operations = forecast.searchOperations();
        double share = operations / (forecast.operations() + evaluation.operations());
        return request.searchBudget()
                .map(passes -> new PlanView.Search(passes, operations, share, seconds.map(all -> all * share)));
    }

    /** Duration of the last finished job of the same kind, scaled by the ratio of their operations. */
    private Optional<Double> seconds(JobRequest request, Forecast forecast) {
        return reports.latest(finished -> finished.method().equals(request.method())
                        && finished.recipe().searched() == request.recipe().searched())
                .map(latest -> latest.report().stages().stream()
                                .mapToDouble(PruningReport.StageTime::seconds)
                                .sum()
                        * forecast.operations()
                        / latest.request().forecast(latest.architecture()).operations());
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
}
