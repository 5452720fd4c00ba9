package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The token that begins a text.
 *
 * @param id empty if the tokenizer has none
 * @param added whether the tokenizer's configuration puts it before a text
 */
public record Bos(OptionalInt id, boolean added) {
    private static final String CONFIG = "tokenizer_config.json";
    private static final long MAX_BYTES = 1 << 24;

    /** @param tokenizer tokenizer.json */
    static Bos read(Path folder, JsonNode tokenizer) {
        JsonNode config = config(folder.resolve(CONFIG));
        JsonNode written = config.path("bos_token");
        String content = written.isObject() ? written.path("content").asString("") : written.asString("");
        Optional<Template> template = Template.first(tokenizer.path("post_processor"));
        OptionalInt id = content.isEmpty() ? OptionalInt.empty() : id(tokenizer, content);
        if (id.isEmpty() && template.isPresent()) {
            id = OptionalInt.of(template.get().id());
        }
        JsonNode flag = config.path("add_bos_token");
        boolean added = flag.isBoolean() ? flag.booleanValue() : template.isPresent();
        return new Bos(id, added && id.isPresent());
    }

    private static JsonNode config(Path file) {
        if (!Files.isRegularFile(file)) {
            return JsonNodeFactory.instance.objectNode();
        }
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new MosaicException(
                        ErrorCode.TOKENIZER_INVALID,
                        CONFIG + " has " + Files.size(file) + " bytes, the limit is " + MAX_BYTES);
            }
            return StrictJson.MAPPER.readTree(Files.readAllBytes(file));
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.TOKENIZER_INVALID, CONFIG + " " + StrictJson.fault(e), e);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, CONFIG + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** The id of a token, from the added tokens or else from the vocabulary. */
    private static OptionalInt id(JsonNode tokenizer, String content) {
        for (JsonNode added : tokenizer.path("added_tokens")) {
            if (added.path("content").asString("").equals(content)
                    && added.path("id").canConvertToInt()) {
                return OptionalInt.of(added.path("id").intValue());
            }
        }
        JsonNode known = tokenizer.path("model").path("vocab").path(content);
        return known.canConvertToInt() ? OptionalInt.of(known.intValue()) : OptionalInt.empty();
    }

    /** The token that a post-processor puts before a text. */
    private record Template(int id) {
        /** The first token of a template, or of the first template in a sequence; empty if the text comes first. */
        static Optional<Template> first(JsonNode processor) {
            return switch (processor.path("type").asString("")) {
                case "Sequence" -> {
                    for (JsonNode part : processor.path("processors")) {
                        Optional<Template> found = first(part);
                        if (found.isPresent()) {
                            yield found;
                        }
                    }
                    yield Optional.empty();
                }
                case "TemplateProcessing" -> {
                    String name = processor
                            .path("single")
                            .path(0)
                            .path("SpecialToken")
                            .path("id")
                            .asString("");
                    JsonNode id = processor
                            .path("special_tokens")
                            .path(name)
                            .path("ids")
                            .path(0);
                    boolean alone = !processor.path("single").path(1).has("SpecialToken"); // GLM begins with two
                    yield alone && id.canConvertToInt() ? Optional.of(new Template(id.intValue())) : Optional.empty();
                }
                default -> Optional.empty();
            };
        }
    }
}
