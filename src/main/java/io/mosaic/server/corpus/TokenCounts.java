package io.mosaic.server.corpus;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.calibration.Corpus;
import io.mosaic.engine.checkpoint.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** Number of tokens of a corpus under a model's tokenizer; remembered while neither file changes. */
@Component
public class TokenCounts {
    private static final int REMEMBERED = 1000;

    private final Map<Key, Integer> counts = new ConcurrentHashMap<>();

    private record Key(Path tokenizer, Instant tokenizerModified, Path corpus, Instant corpusModified, long bytes) {}

    /** @throws MosaicException when either file cannot be used */
    public int count(Path modelFolder, int vocabularySize, CorpusCatalog.Entry corpus) {
        if (counts.size() > REMEMBERED) {
            counts.clear();
        }
        Key key = new Key(
                modelFolder,
                modified(modelFolder.resolve(Tokenizer.FILE)),
                corpus.file(),
                corpus.modifiedAt(),
                corpus.bytes());
        return counts.computeIfAbsent(key, absent -> {
            try (Tokenizer tokenizer = Tokenizer.open(modelFolder, vocabularySize)) {
                return tokenizer.encode(
                                Corpus.read(corpus.name(), corpus.file()).text())
                        .length;
            }
        });
    }

    private static Instant modified(Path tokenizer) {
        try {
            return Files.getLastModifiedTime(tokenizer).toInstant();
        } catch (IOException e) {
            throw new MosaicException(
                    ErrorCode.TOKENIZER_INVALID, Tokenizer.FILE + " cannot be read: " + e.getMessage(), e);
        }
    }
}
