package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** model.safetensors.index.json: which shard holds which tensor. */
final class ShardIndex {
    static final String FILE = "model.safetensors.index.json";

    private static final Pattern SHARD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,200}\\.safetensors");

    private ShardIndex() {}

    /** Shard file name by tensor name. */
    static Map<String, String> read(Path folder) {
        try {
            Path file = folder.resolve(FILE);
            if (!Files.isRegularFile(file)) {
                throw invalid("is not a file");
            }
            if (Files.size(file) > SafetensorsHeader.MAX_BYTES) {
                throw invalid("has " + Files.size(file) + " bytes, the limit is " + SafetensorsHeader.MAX_BYTES);
            }
            JsonNode map = StrictJson.MAPPER.readTree(Files.readAllBytes(file)).path("weight_map");
            if (!map.isObject() || map.isEmpty()) {
                throw invalid("has no weight_map");
            }
            Map<String, String> shards = LinkedHashMap.newLinkedHashMap(map.size());
            map.properties().forEach(e -> {
                String shard = e.getValue().isString() ? e.getValue().stringValue() : "";
                if (!SHARD.matcher(shard).matches()) {
                    throw invalid("maps " + StrictJson.quote(e.getKey()) + " to "
                            + StrictJson.quote(e.getValue().toString())
                            + ", expected the plain name of a .safetensors file");
                }
                shards.put(e.getKey(), shard);
            });
            return shards;
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.SHARD_INDEX_INVALID, FILE + " " + StrictJson.fault(e), e);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, FILE + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static MosaicException invalid(String fault) {
        return new MosaicException(ErrorCode.SHARD_INDEX_INVALID, FILE + " " + fault);
    }
}
