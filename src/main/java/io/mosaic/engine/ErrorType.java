package io.mosaic.engine;

/** Who can remedy a failure. */
public enum ErrorType {
    /** The request, the model or the text is at fault; trying again changes nothing. */
    USER_ERROR,
    /** Memory, disk or devices are insufficient; the request may succeed elsewhere or later. */
    INSUFFICIENT_RESOURCES,
    /** Mosaic is at fault. */
    INTERNAL_ERROR
}
