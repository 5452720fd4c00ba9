package io.mosaic.server.model;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.checkpoint.Bos;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.checkpoint.Tokenizer;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The facts in a model folder's headers.
 *
 * @param dtype number format of most of the weights
 */
public record ModelFacts(Architecture architecture, Bos bos, long parameters, String dtype, long weightBytes) {
    /** @throws io.mosaic.engine.MosaicException with the folder's fault */
    static ModelFacts read(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer =
                        Tokenizer.open(folder, checkpoint.architecture().vocabularySize())) {
            TensorCheck.check(checkpoint);
            Map<String, Long> elements = checkpoint.tensors().stream()
                    .collect(Collectors.groupingBy(
                            tensor -> tensor.dtype().name(), Collectors.summingLong(TensorInfo::elements)));
            return new ModelFacts(
                    checkpoint.architecture(),
                    tokenizer.bos(),
                    elements.values().stream().mapToLong(Long::longValue).sum(),
                    elements.entrySet().stream()
                            .max(Map.Entry.comparingByValue(Comparator.naturalOrder()))
                            .map(Map.Entry::getKey)
                            .orElse(""),
                    checkpoint.weightBytes());
        }
    }
}
