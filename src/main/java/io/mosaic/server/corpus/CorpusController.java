package io.mosaic.server.corpus;

import io.mosaic.server.PageView;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Instant;
import org.springframework.web.bind.annotation.GetMapping;

@ApiController
@Tag(name = "Corpora")
class CorpusController {
    private final CorpusCatalog corpora;

    CorpusController(CorpusCatalog corpora) {
        this.corpora = corpora;
    }

    record CorpusView(String name, long bytes, Instant modifiedAt) {}

    @Operation(summary = "Lists the texts that calibrate and evaluate")
    @GetMapping("/corpora")
    PageView<CorpusView> corpora() {
        return PageView.all(corpora.list().stream()
                .map(entry -> new CorpusView(entry.name(), entry.bytes(), entry.modifiedAt()))
                .toList());
    }
}
