package io.mosaic.engine;

/** A failure with a code; its message names the thing, the value and the limit, for a human reader. */
public final class MosaicException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    public MosaicException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    public MosaicException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public ErrorCode code() {
        return code;
    }

    /** The message, never absent. */
    public String detail() {
        return String.valueOf(getMessage());
    }
}
