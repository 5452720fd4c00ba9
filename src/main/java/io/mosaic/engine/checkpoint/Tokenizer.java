package io.mosaic.engine.checkpoint;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.LongStream;

/** The model's own tokenizer; adds no special tokens and never truncates. */
public final class Tokenizer implements AutoCloseable {
    /** The file that defines it. */
    public static final String FILE = "tokenizer.json";

    private final HuggingFaceTokenizer tokenizer;
    private final int vocabularySize;

    private Tokenizer(HuggingFaceTokenizer tokenizer, int vocabularySize) {
        this.tokenizer = tokenizer;
        this.vocabularySize = vocabularySize;
    }

    /** @param vocabularySize rows of the model's embedding; an id past it is a fault of the folder */
    public static Tokenizer open(Path folder, int vocabularySize) {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new MosaicException(ErrorCode.TOKENIZER_INVALID, FILE + " is missing in the model folder");
        }
        try {
            // Without these three the library cuts texts at 512 tokens and adds special tokens.
            return new Tokenizer(
                    HuggingFaceTokenizer.builder()
                            .optTokenizerPath(file)
                            .optAddSpecialTokens(false)
                            .optTruncation(false)
                            .optPadding(false)
                            .build(),
                    vocabularySize);
        } catch (IOException | RuntimeException e) {
            throw new MosaicException(ErrorCode.TOKENIZER_INVALID, FILE + " cannot be read: " + e.getMessage(), e);
        }
    }

    public int[] encode(String text) {
        long[] ids = ids(text);
        for (long id : ids) {
            if (id >= vocabularySize) {
                throw new MosaicException(
                        ErrorCode.TOKENIZER_INVALID,
                        FILE + " gives token id " + id + ", the model's vocabulary has " + vocabularySize);
            }
        }
        return LongStream.of(ids).mapToInt(Math::toIntExact).toArray();
    }

    private long[] ids(String text) {
        try {
            return tokenizer.encode(text).getIds();
        } catch (RuntimeException e) {
            throw new MosaicException(
                    ErrorCode.TOKENIZER_INVALID, FILE + " cannot encode the text: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
