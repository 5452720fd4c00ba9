package io.mosaic.server.plan;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.pipeline.Forecast;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.server.job.JobRequest;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A plan as the API shows it.
 *
 * @param request with every default resolved
 * @param model id of the model that the job would make; only an example if the request gives no name
 * @param basis what the allocation is based on
 * @param removedParameters number removed physically
 * @param zeroedParameters number set to zero
 * @param weightBytes of all weights, embeddings included, as stored
 * @param needsBytes memory that the job needs on its device
 * @param evaluation cost of measuring perplexity
 * @param search the price of choosing by measurement; absent if nothing is searched
 * @param seconds of the whole job, scaled from the last job with the same method that also did, or did not, search;
 *     absent if there is none
 */
record PlanView(
        JobRequest request,
        String model,
        Forecast.Basis basis,
        long prunableParameters,
        long removedParameters,
        long zeroedParameters,
        List<LayerView> layers,
        PruningReport.ComparedBytes weightBytes,
        long needsBytes,
        Evaluation evaluation,
        Optional<Search> search,
        Optional<Double> seconds) {

    /**
     * The most that the search may cost, all models of the request together.
     *
     * @param passes what it may spend, in pruning passes for each model
     * @param operations floating-point operations
     * @param share of all operations of the job
     * @param seconds the same share of the job's; absent if those are
     */
    @Schema(name = "SearchCost")
    record Search(double passes, double operations, double share, Optional<Double> seconds) {}

    /**
     * The cost of measuring perplexity, for the dense and every pruned model together.
     *
     * @param tokens run through all models together
     * @param operations floating-point operations of the matrix products
     * @param seconds scaled from the last finished job that measured perplexity and no latency; absent if there is none
     */
    @Schema(name = "EvaluationCost")
    record Evaluation(long tokens, double operations, Optional<Double> seconds) {}

    /**
     * The planned shape of one layer.
     *
     * @param layer its index among the layers that stay
     */
    record LayerView(int layer, int heads, int keyValueHeads, int ffn, List<ProjectionView> projections) {}

    /** @param sparsity removed share of the dense projection, physical and zeroed together */
    record ProjectionView(
            String projection, double sparsity, long zeros, List<Integer> shapeBefore, List<Integer> shapeAfter) {}

    static List<LayerView> layers(PruningPlan plan) {
        return IntStream.range(0, plan.structure().after().size())
                .mapToObj(index -> layer(plan, index))
                .toList();
    }

    private static LayerView layer(PruningPlan plan, int index) {
        LayerShape before = plan.structure().before().get(index);
        LayerShape after = plan.structure().after().get(index);
        return new LayerView(
                index,
                after.heads(),
                after.keyValueHeads(),
                after.ffn(),
                before.maps().stream()
                        .map(projection -> {
                            long zeros = plan.zeros()
                                    .target(new MapId(index, projection))
                                    .zeros();
                            long dense = before.parameters(projection);
                            return new ProjectionView(
                                    projection.label(),
                                    (double) (dense - after.parameters(projection) + zeros) / dense,
                                    zeros,
                                    List.of(before.out(projection), before.in(projection)),
                                    List.of(after.out(projection), after.in(projection)));
                        })
                        .toList());
    }
}
