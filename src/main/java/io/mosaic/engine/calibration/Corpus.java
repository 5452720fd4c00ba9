package io.mosaic.engine.calibration;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A UTF-8 text file, read unchanged into one string. */
public record Corpus(String name, String text) {
    /** Tokenised on the heap at once; larger texts are refused rather than cut. */
    static final long MAX_BYTES = 256L << 20;

    public static Corpus read(String name, Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > MAX_BYTES) {
                throw new MosaicException(
                        ErrorCode.CORPUS_INVALID,
                        "Corpus " + name + " has " + bytes + " bytes, the limit is " + MAX_BYTES);
            }
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
                    .toString();
            return new Corpus(name, text);
        } catch (CharacterCodingException e) {
            throw new MosaicException(ErrorCode.CORPUS_INVALID, "Corpus " + name + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new MosaicException(
                    ErrorCode.CORPUS_NOT_FOUND, "Corpus " + name + " cannot be read: " + e.getMessage(), e);
        }
    }
}
