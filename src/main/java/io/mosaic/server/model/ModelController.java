package io.mosaic.server.model;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.server.PageView;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.ResponseStatus;

@ApiController
@Tag(name = "Models")
class ModelController {
    private final ModelCatalog catalog;
    private final ModelReaders readers;

    ModelController(ModelCatalog catalog, ModelReaders readers) {
        this.catalog = catalog;
        this.readers = readers;
    }

    @Operation(summary = "Lists all models, faulty folders with their fault")
    @GetMapping("/models")
    PageView<ModelView> models() {
        return PageView.all(Stream.concat(
                        catalog.list().stream().map(ModelView::of),
                        catalog.elsewhere().stream().map(ModelView::of))
                .sorted(Comparator.comparing(ModelView::id))
                .toList());
    }

    @Operation(summary = "Describes a model")
    @GetMapping("/models/{namespace}/{name}")
    ModelView model(@PathVariable String namespace, @PathVariable String name) {
        ModelId id = id(namespace, name);
        return catalog.elsewhere(id).map(ModelView::of).orElseGet(() -> ModelView.of(catalog.require(id)));
    }

    @Operation(summary = "Deletes a model that no unfinished job needs")
    @DeleteMapping("/models/{namespace}/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(@PathVariable String namespace, @PathVariable String name) {
        ModelId id = id(namespace, name);
        List<UUID> jobs = readers.readersOf(id);
        if (!jobs.isEmpty()) {
            throw new MosaicException(ErrorCode.MODEL_IN_USE, "Model " + id + " is needed by unfinished jobs " + jobs);
        }
        catalog.delete(id);
    }

    private static ModelId id(String namespace, String name) {
        return ModelId.of(namespace, name).orElseThrow(() -> ModelCatalog.notFound(namespace + "/" + name));
    }
}
