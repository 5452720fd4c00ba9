package io.mosaic.server.error;

import io.mosaic.engine.ErrorCode;
import java.net.URI;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;

/** Problem details (RFC 9457) with Mosaic's {@code code} and {@code type}. */
final class Problems {
    private Problems() {}

    static ProblemDetail of(ErrorCode code, HttpStatusCode status, String detail) {
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, detail);
        problem.setType(URI.create(code.type().name()));
        problem.setProperty("code", code.name());
        return problem;
    }

    /** The HTTP status of a request that fails with the code. */
    static HttpStatus status(ErrorCode code) {
        return switch (code) {
            case UNAUTHENTICATED -> HttpStatus.UNAUTHORIZED;
            case FORBIDDEN -> HttpStatus.FORBIDDEN;
            case RATE_LIMITED, QUOTA_EXCEEDED -> HttpStatus.TOO_MANY_REQUESTS;
            case NOT_FOUND, KEY_NOT_FOUND, JOB_NOT_FOUND, MODEL_NOT_FOUND, CORPUS_NOT_FOUND -> HttpStatus.NOT_FOUND;
            case JOB_NOT_FINISHED, JOB_FINISHED, MODEL_IN_USE, OUTPUT_TAKEN, IDEMPOTENCY_KEY_REUSED ->
                HttpStatus.CONFLICT;
            case REQUEST_TOO_LARGE -> HttpStatus.CONTENT_TOO_LARGE;
            case METHOD_NOT_ALLOWED -> HttpStatus.METHOD_NOT_ALLOWED;
            case NOT_ACCEPTABLE -> HttpStatus.NOT_ACCEPTABLE;
            case UNSUPPORTED_MEDIA_TYPE -> HttpStatus.UNSUPPORTED_MEDIA_TYPE;
            case RANGE_NOT_SATISFIABLE -> HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE;
            case OUT_OF_MEMORY, DISK_FULL -> HttpStatus.INSUFFICIENT_STORAGE;
            case DATABASE_UNAVAILABLE -> HttpStatus.SERVICE_UNAVAILABLE;
            case ATTEMPTS_EXHAUSTED, MODEL_CORRUPT, IO_ERROR, INTERNAL_ERROR -> HttpStatus.INTERNAL_SERVER_ERROR;
            case INVALID_REQUEST,
                    MALFORMED_JSON,
                    CORPUS_TOO_SHORT,
                    CORPUS_INVALID,
                    CONFIG_INVALID,
                    ARCHITECTURE_UNSUPPORTED,
                    SAFETENSORS_INVALID,
                    SHARD_INDEX_INVALID,
                    TENSOR_MISSING,
                    TENSOR_UNEXPECTED,
                    TENSOR_SHAPE,
                    TENSOR_DTYPE,
                    TENSOR_NOT_FINITE,
                    ACTIVATION_NOT_FINITE,
                    TOKENIZER_INVALID,
                    HESSIAN_SINGULAR,
                    STRUCTURE_TOO_COARSE -> HttpStatus.BAD_REQUEST;
        };
    }

    /** The code of a failure that only has an HTTP status. */
    static ErrorCode code(HttpStatusCode status) {
        return switch (status.value()) {
            case 401 -> ErrorCode.UNAUTHENTICATED;
            case 403 -> ErrorCode.FORBIDDEN;
            case 404 -> ErrorCode.NOT_FOUND;
            case 405 -> ErrorCode.METHOD_NOT_ALLOWED;
            case 406 -> ErrorCode.NOT_ACCEPTABLE;
            case 413 -> ErrorCode.REQUEST_TOO_LARGE;
            case 415 -> ErrorCode.UNSUPPORTED_MEDIA_TYPE;
            case 416 -> ErrorCode.RANGE_NOT_SATISFIABLE;
            case 429 -> ErrorCode.RATE_LIMITED;
            default -> status.is4xxClientError() ? ErrorCode.INVALID_REQUEST : ErrorCode.INTERNAL_ERROR;
        };
    }
}
