package io.mosaic.server.security;

/** The service would listen where other machines can reach it, without any authentication. */
final class UnprotectedServiceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnprotectedServiceException(String address) {
        super("The service was to listen on " + address + ", where other machines reach it, without authentication");
    }
}
