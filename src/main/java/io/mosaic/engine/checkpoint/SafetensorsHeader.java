package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.json.StrictJson;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The JSON header of a safetensors file, checked as strictly as the format's own specification asks: the tensors tile
 * the data section exactly, without gap or overlap.
 */
final class SafetensorsHeader {
    /** Twice the size for 10,000 layers. */
    static final long MAX_BYTES = 1 << 25;

    private static final String METADATA = "__metadata__";

    // No model comes near these limits; anything beyond would only bloat messages and memory.
    private static final int MAX_NAME = 512;
    private static final int MAX_DIMENSIONS = 8;

    private SafetensorsHeader() {}

    /**
     * Tensors by name, in file order.
     *
     * @param file name for messages
     * @param json the header's bytes
     * @param dataBytes length of the data section that follows it
     */
    static Map<String, TensorInfo> parse(String file, byte[] json, long dataBytes) {
        JsonNode root = readObject(file, json);
        List<TensorInfo> tensors = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : root.properties()) {
            if (entry.getKey().equals(METADATA)) {
                checkMetadata(file, entry.getValue());
            } else {
                tensors.add(tensor(file, entry.getKey(), entry.getValue()));
            }
        }
        tensors.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::bytes));
        long end = 0;
        for (TensorInfo tensor : tensors) {
            if (tensor.begin() != end) {
                throw invalid(
                        file,
                        "tensor " + StrictJson.quote(tensor.name()) + " begins at " + tensor.begin() + ", expected "
                                + end + " (gap or overlap)");
            }
            end += tensor.bytes();
        }
        if (end != dataBytes) {
            throw invalid(file, "tensors take " + end + " bytes, the file holds " + dataBytes);
        }
        Map<String, TensorInfo> byName = LinkedHashMap.newLinkedHashMap(tensors.size());
        tensors.forEach(t -> byName.put(t.name(), t));
        return byName;
    }

    private static JsonNode readObject(String file, byte[] json) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(json))
                    .toString();
            JsonNode root = StrictJson.MAPPER.readTree(text);
            if (!root.isObject()) {
                throw invalid(file, "header is not a JSON object");
            }
            return root;
        } catch (CharacterCodingException e) {
            throw new MosaicException(ErrorCode.SAFETENSORS_INVALID, file + ": header is not UTF-8", e);
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.SAFETENSORS_INVALID, file + ": header " + StrictJson.fault(e), e);
        }
    }

    private static void checkMetadata(String file, JsonNode metadata) {
        if (!metadata.isObject()) {
            throw invalid(file, METADATA + " is not an object");
        }
        metadata.properties().forEach(e -> {
            if (!e.getValue().isString()) {
                throw invalid(file, METADATA + " entry " + StrictJson.quote(e.getKey()) + " is not a string");
            }
        });
    }

    private static TensorInfo tensor(String file, String name, JsonNode node) {
        String label = "tensor " + StrictJson.quote(name);
        if (name.length() > MAX_NAME || name.chars().anyMatch(Character::isISOControl)) {
            throw invalid(
                    file,
                    label + " has a name of " + name.length() + " characters, expected at most " + MAX_NAME
                            + " and none of them a control character");
        }
        if (!node.isObject()) {
            throw invalid(file, label + " is not an object");
        }
        node.propertyNames().forEach(key -> {
            if (!List.of("dtype", "shape", "data_offsets").contains(key)) {
                throw invalid(file, label + " has an unknown entry " + StrictJson.quote(key));
            }
        });
        JsonNode dtypeNode = node.path("dtype");
        DType dtype = DType.named(dtypeNode.isString() ? dtypeNode.stringValue() : "")
                .orElseThrow(() -> new MosaicException(
                        ErrorCode.TENSOR_DTYPE,
                        file + ": " + label + " has dtype " + StrictJson.quote(dtypeNode.toString())
                                + "; supported are F32, F16, BF16"));
        List<Long> shape = longs(file, label, "shape", node.path("shape"));
        if (shape.size() > MAX_DIMENSIONS) {
            throw invalid(file, label + " has " + shape.size() + " dimensions, the limit is " + MAX_DIMENSIONS);
        }
        List<Long> offsets = longs(file, label, "data_offsets", node.path("data_offsets"));
        if (offsets.size() != 2) {
            throw invalid(file, label + " has " + offsets.size() + " data_offsets, expected 2");
        }
        long begin = offsets.get(0);
        long bytes = offsets.get(1) - begin;
        if (bytes < 0) {
            throw invalid(file, label + " ends at " + offsets.get(1) + " before it begins at " + begin);
        }
        long expected;
        try {
            expected = dtype.bytes();
            for (long dimension : shape) {
                expected = Math.multiplyExact(expected, dimension);
            }
        } catch (ArithmeticException e) {
            throw new MosaicException(
                    ErrorCode.SAFETENSORS_INVALID, file + ": " + label + " with shape " + shape + " overflows", e);
        }
        if (expected != bytes) {
            throw invalid(
                    file,
                    label + " of shape " + shape + " and dtype " + dtype + " needs " + expected + " bytes, has "
                            + bytes);
        }
        return new TensorInfo(name, dtype, shape, begin, bytes);
    }

    private static List<Long> longs(String file, String label, String key, JsonNode node) {
        if (!node.isArray()) {
            throw invalid(file, label + " has no array " + key);
        }
        List<Long> values = new ArrayList<>(node.size());
        for (JsonNode value : node.values()) {
            if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
                throw invalid(
                        file,
                        label + ": " + key + " holds " + StrictJson.quote(value.toString())
                                + ", expected whole numbers from 0");
            }
            values.add(value.longValue());
        }
        return values;
    }

    private static MosaicException invalid(String file, String fault) {
        return new MosaicException(ErrorCode.SAFETENSORS_INVALID, file + ": " + fault);
    }
}
