package io.mosaic.engine;

/** Who can do something about a failure. */
public enum ErrorType {
    /** The request, the model or the text is at fault; trying again changes nothing. */
    USER_ERROR,
    /** Memory, disk or devices do not suffice; elsewhere or later it may work. */
    INSUFFICIENT_RESOURCES,
    /** Mosaic is at fault. */
    INTERNAL_ERROR
}
