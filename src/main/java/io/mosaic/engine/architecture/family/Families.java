package io.mosaic.engine.architecture.family;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** All supported families. To add one, write its file and list it here. */
public final class Families {
    private static final List<Family> ALL = List.of(
            new Llama(),
            new Mistral(),
            new Ministral(),
            new Qwen2(),
            new Qwen3(),
            new SmolLm3(),
            new Granite(),
            new Phi3(),
            new Gemma2(),
            new Gemma3Text(),
            new Gemma3(),
            new Olmo2(),
            new Olmo3(),
            new Glm4());

    private static final int MAX_FILE_BYTES = 1 << 20;

    private Families() {}

    /** Reads config.json of a model folder. */
    public static Architecture read(Path folder) {
        Path file = folder.resolve(ConfigReader.FILE);
        if (!Files.isRegularFile(file)) {
            throw invalid("is missing in the model folder");
        }
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw invalid("has " + Files.size(file) + " bytes, the limit is " + MAX_FILE_BYTES);
            }
            JsonNode root = StrictJson.MAPPER.readTree(Files.readAllBytes(file));
            if (!(root instanceof ObjectNode object)) {
                throw invalid("is not a JSON object");
            }
            return read(object);
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.CONFIG_INVALID, ConfigReader.FILE + " " + StrictJson.fault(e), e);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, ConfigReader.FILE + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Reads the content of config.json. */
    public static Architecture read(ObjectNode config) {
        JsonNode first = config.path("architectures").path(0);
        Optional<String> architecture = first.isString() ? Optional.of(first.stringValue()) : Optional.empty();
        String modelType = config.path("model_type").asString("");
        Family family = architecture
                .map(name -> find(name, f -> f.architectures().contains(name)))
                .orElseGet(() -> find(
                        modelType.isEmpty() ? "none named" : modelType,
                        f -> f.modelType().equals(modelType)));
        if (!modelType.isEmpty() && !family.modelType().equals(modelType)) {
            throw invalid("has model_type " + StrictJson.quote(modelType) + ", which is not that of architecture "
                    + StrictJson.quote(architecture.orElse("")) + ": '" + family.modelType() + "'");
        }
        JsonNode written = config.path("model_type");
        if (!written.isMissingNode() && !written.isNull() && !written.isString()) {
            throw invalid("has model_type " + StrictJson.quote(written.toString()) + ", expected a string");
        }
        ObjectNode named = config;
        if (modelType.isEmpty()) { // loaders need it
            named = config.deepCopy().put("model_type", family.modelType());
        }
        return family.read(ConfigReader.of(
                named, architecture.orElse(family.architectures().getFirst())));
    }

    private static Family find(String name, Predicate<Family> is) {
        return ALL.stream()
                .filter(is)
                .findFirst()
                .orElseThrow(() -> new MosaicException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "Architecture " + StrictJson.quote(name) + " is not supported; supported are "
                                + ALL.stream()
                                        .flatMap(family -> family.architectures().stream())
                                        .collect(Collectors.joining(", "))));
    }

    private static MosaicException invalid(String fault) {
        return new MosaicException(ErrorCode.CONFIG_INVALID, ConfigReader.FILE + " " + fault);
    }
}
