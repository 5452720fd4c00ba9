package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The parts of tokenizer.json that encoding needs. A panic of the native library ends the whole process, so it gets
 * only valid JSON without unused parts, and documents known to make it panic are refused.
 *
 * @param needed JSON
 */
@SuppressWarnings("ArrayRecordComponent")
record TokenizerDocument(byte[] needed, Bos bos) {
    /** Twice the size of the largest. */
    private static final long MAX_BYTES = 1 << 26;

    /** Without the parts for decoding, special tokens, truncation and padding. */
    private static final List<String> NEEDED =
            List.of("version", "added_tokens", "normalizer", "pre_tokenizer", "model");

    /** None of these can make an added token empty, which the library would then match everywhere. */
    private static final List<String> NORMALIZERS =
            List.of("Sequence", "Prepend", "Replace", "NFC", "NFD", "NFKC", "NFKD", "Lowercase");

    private static final Pattern BLANK = Pattern.compile("\\s*", Pattern.UNICODE_CHARACTER_CLASS);

    /** @throws MosaicException TOKENIZER_INVALID */
    static TokenizerDocument read(Path folder) {
        Path file = folder.resolve(Tokenizer.FILE);
        if (!Files.isRegularFile(file)) {
            throw invalid("is missing in the model folder");
        }
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw invalid("has " + Files.size(file) + " bytes, the limit is " + MAX_BYTES);
            }
            if (!(StrictJson.MAPPER.readTree(Files.readAllBytes(file)) instanceof ObjectNode root)) {
                throw invalid("is not a JSON object");
            }
            Bos bos = Bos.read(folder, root);
            root.retain(NEEDED);
            checkModel(root.path("model"));
            checkNormalizer(root.path("normalizer"));
            root.path("added_tokens").forEach(TokenizerDocument::checkAdded);
            return new TokenizerDocument(StrictJson.MAPPER.writeValueAsBytes(root), bos);
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.TOKENIZER_INVALID, Tokenizer.FILE + " " + StrictJson.fault(e), e);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, Tokenizer.FILE + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Refuses a prefix outside WordPiece: the library cuts its length off the second half of each merge, even if that
     * is shorter.
     */
    private static void checkModel(JsonNode model) {
        String prefix = text(model, "continuing_subword_prefix");
        if (!prefix.isEmpty() && !text(model, "type").equals("WordPiece")) {
            throw invalid("has continuing_subword_prefix " + StrictJson.quote(prefix)
                    + ", which is supported for models of type WordPiece only");
        }
    }

    private static void checkNormalizer(JsonNode normalizer) {
        if (normalizer.isNull() || normalizer.isMissingNode()) {
            return;
        }
        String type = text(normalizer, "type");
        if (!NORMALIZERS.contains(type)) {
            throw invalid(
                    "has normalizer " + StrictJson.quote(type) + "; supported are " + String.join(", ", NORMALIZERS));
        }
        switch (type) {
            case "Sequence" -> normalizer.path("normalizers").forEach(TokenizerDocument::checkNormalizer);
            case "Prepend" -> requireText(type, normalizer, "prepend");
            case "Replace" -> {
                requireText(type, normalizer.path("pattern"), "String");
                requireText(type, normalizer, "content");
            }
            default -> {}
        }
    }

    private static void requireText(String normalizer, JsonNode parent, String key) {
        if (text(parent, key).isEmpty()) {
            throw invalid("has a normalizer " + normalizer + " whose " + key + " is no text or empty");
        }
    }

    /**
     * Refuses a blank token with lstrip: the library strips spaces before it that the previous token has already
     * consumed.
     */
    private static void checkAdded(JsonNode token) {
        String content = text(token, "content");
        if (token.path("lstrip").asBoolean(false) && BLANK.matcher(content).matches()) {
            throw invalid("has an added token " + StrictJson.quote(content) + " that is blank and lstrip");
        }
    }

    private static String text(JsonNode parent, String key) {
        return parent.path(key).asString("");
    }

    private static MosaicException invalid(String fault) {
        return new MosaicException(ErrorCode.TOKENIZER_INVALID, Tokenizer.FILE + " " + fault);
    }
}
