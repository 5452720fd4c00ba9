package io.mosaic.server.worker;

import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.tensor.Precision;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A report for tests that do not look at its numbers. */
final class AnyReport {
    private AnyReport() {}

    static PruningReport of(String model) {
        return new PruningReport(
                model,
                new PruningReport.Sparsity(0.5, 0.5, 2, 0, 1, Optional.empty(), List.of()),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                Optional.empty(),
                new PruningReport.Memory(new PruningReport.ComparedBytes(2, 1), Optional.empty(), Optional.empty()),
                new PruningReport.Speed(List.of(), 0, 1, Optional.empty(), "none"),
                List.of(),
                new PruningReport.Provenance(
                        "m",
                        "",
                        Map.of(),
                        1,
                        1,
                        Optional.empty(),
                        "random",
                        0,
                        false,
                        0,
                        "cpu",
                        Precision.F32,
                        1,
                        Map.of()));
    }
}
