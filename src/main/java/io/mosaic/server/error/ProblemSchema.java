package io.mosaic.server.error;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.ErrorType;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Optional;

/**
 * How OpenAPI describes a failure (RFC 9457).
 *
 * @param violations every fault of a request; absent if its fields are not the cause
 */
@Schema(name = "Problem")
record ProblemSchema(
        ErrorType type,
        String title,
        int status,
        String detail,
        String instance,
        ErrorCode code,
        Optional<List<Violation>> violations) {}
