package io.mosaic.engine.checkpoint;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Excerpt;
import io.mosaic.engine.MosaicException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.LongStream;

/** The model's own tokenizer; adds no special tokens and never truncates. */
public final class Tokenizer implements AutoCloseable {
    /** The file that defines it. */
    public static final String FILE = "tokenizer.json";

    /**
     * Limit on consecutive white space. Patterns like Llama 3's backtrack over it one by one, and the library panics
     * after 10 million steps.
     */
    private static final int MOST_SPACES = 1_000_000;

    private static final int SHOWN = 200;

    /** Without these three the library truncates texts at 512 tokens and adds special tokens. */
    private static final Map<String, String> OPTIONS =
            Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

    private final HuggingFaceTokenizer tokenizer;
    private final int vocabularySize;
    private final Bos bos;

    private Tokenizer(HuggingFaceTokenizer tokenizer, int vocabularySize, Bos bos) {
        this.tokenizer = tokenizer;
        this.vocabularySize = vocabularySize;
        this.bos = bos;
    }

    /** @param vocabularySize rows of the model's embedding; a larger id is a fault of the folder */
    public static Tokenizer open(Path folder, int vocabularySize) {
        TokenizerDocument document = TokenizerDocument.read(folder);
        OptionalInt bos = document.bos().id();
        if (bos.isPresent() && (bos.getAsInt() < 0 || bos.getAsInt() >= vocabularySize)) {
            throw new MosaicException(
                    ErrorCode.TOKENIZER_INVALID,
                    "The BOS token has id " + bos.getAsInt() + ", the model's vocabulary has " + vocabularySize);
        }
        try {
            return new Tokenizer(
                    HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(document.needed()), OPTIONS),
                    vocabularySize,
                    document.bos());
        } catch (IOException | RuntimeException e) {
            throw invalid("cannot be read", e);
        }
    }

    /** The token that begins a text; {@link #encode} never adds it. */
    public Bos bos() {
        return bos;
    }

    public int[] encode(String text) {
        checkSpaces(text);
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

    private static void checkSpaces(String text) {
        int row = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            row = Character.isWhitespace(c) || Character.isSpaceChar(c) ? row + 1 : 0;
            if (row > MOST_SPACES) {
                throw new MosaicException(
                        ErrorCode.CORPUS_INVALID,
                        "The text has more than " + MOST_SPACES + " characters of white space in a row");
            }
        }
    }

    private long[] ids(String text) {
        try {
            return tokenizer.encode(text).getIds();
        } catch (RuntimeException e) {
            throw invalid("cannot encode the text", e);
        }
    }

    private static MosaicException invalid(String fault, Exception cause) {
        return new MosaicException(
                ErrorCode.TOKENIZER_INVALID,
                FILE + " " + fault + ": " + Excerpt.of(String.valueOf(cause.getMessage()), SHOWN),
                cause);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
