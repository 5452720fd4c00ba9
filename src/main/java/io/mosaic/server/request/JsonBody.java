package io.mosaic.server.request;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.json.StrictJson;
import java.io.IOException;
import java.io.InputStream;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads a request body as one JSON object, within limits. */
@Component
public class JsonBody {
    static final int MAX_BYTES = 1 << 20;

    /** @throws MosaicException REQUEST_TOO_LARGE, MALFORMED_JSON */
    public ObjectNode read(InputStream body) throws IOException {
        byte[] bytes = body.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
            throw new MosaicException(
                    ErrorCode.REQUEST_TOO_LARGE, "The body exceeds the limit of " + MAX_BYTES + " bytes");
        }
        try {
            JsonNode node = StrictJson.MAPPER.readTree(bytes);
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new MosaicException(ErrorCode.MALFORMED_JSON, "The body is not a JSON object");
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.MALFORMED_JSON, "The body " + StrictJson.fault(e), e);
        }
    }
}
