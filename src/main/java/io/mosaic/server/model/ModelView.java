package io.mosaic.server.model;

import io.mosaic.engine.MosaicException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** A model as the API shows it: its facts, or the fault of its folder. */
record ModelView(
        String id,
        Optional<String> architecture,
        Optional<Long> parameters,
        Optional<String> dtype,
        long bytes,
        Optional<Integer> layers,
        Optional<Integer> contextLength,
        Optional<String> baseModel,
        Optional<UUID> job,
        Optional<Instant> createdAt,
        Optional<Fault> error,
        Map<String, String> links) {
    record Fault(String code, String type, String detail) {
        static Fault of(MosaicException e) {
            return new Fault(e.code().name(), e.code().type().name(), e.detail());
        }
    }

    /** The view of a model that is not in this home. */
    static ModelView of(ModelCatalog.Elsewhere model) {
        return new ModelView(
                model.original().model().toString(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                model.bytes(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(model.madeBy().baseModel()),
                Optional.of(model.madeBy().jobId()),
                Optional.of(model.madeBy().createdAt()),
                model.madeBy().fault().map(Fault::of),
                links(model.original().model()));
    }

    static ModelView of(ModelCatalog.Entry entry) {
        return new ModelView(
                entry.id().toString(),
                entry.facts().map(facts -> facts.architecture().name()),
                entry.facts().map(ModelFacts::parameters),
                entry.facts().map(ModelFacts::dtype),
                entry.bytes(),
                entry.facts().map(facts -> facts.architecture().depth()),
                entry.facts().map(facts -> facts.architecture().contextLength()),
                entry.madeBy().map(PrunedModel::baseModel),
                entry.madeBy().map(PrunedModel::jobId),
                entry.madeBy().map(PrunedModel::createdAt),
                entry.fault().map(Fault::of),
                links(entry.id()));
    }

    private static Map<String, String> links(ModelId id) {
        String self = "/models/" + id;
        return Map.of("self", self, "files", self + "/files", "archive", self + "/archive");
    }
}
