package io.mosaic.server.error;

import io.mosaic.engine.ErrorCode;
import java.util.List;
import java.util.stream.Collectors;

/** Reports all faults of a request, one at least. */
public final class InvalidRequestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<Violation> violations;

    public InvalidRequestException(List<Violation> violations) {
        super(violations.stream().map(v -> v.field() + ": " + v.message()).collect(Collectors.joining("; ")));
        this.violations = List.copyOf(violations);
    }

    /** All faults in one line. */
    public String detail() {
        return String.valueOf(getMessage());
    }

    public List<Violation> violations() {
        return violations;
    }

    /** The code of the faults if all have the same one. */
    public ErrorCode code() {
        List<ErrorCode> codes =
                violations.stream().map(Violation::code).distinct().toList();
        return codes.size() == 1 ? codes.getFirst() : ErrorCode.INVALID_REQUEST;
    }
}
