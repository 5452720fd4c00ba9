package io.mosaic.server.security;

/** The service was to listen where other machines reach it, with nothing that tells who may come in. */
final class UnprotectedServiceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnprotectedServiceException(String address) {
        super("The service was to listen on " + address + ", where other machines reach it, without authentication");
    }
}
