package io.mosaic.server.error;

import io.mosaic.engine.ErrorCode;

/**
 * One fault of a request.
 *
 * @param field path of the field, like {@code calibration.samples}
 * @param message the value and the limit
 */
public record Violation(String field, ErrorCode code, String message) {
    public Violation(String field, String message) {
        this(field, ErrorCode.INVALID_REQUEST, message);
    }
}
