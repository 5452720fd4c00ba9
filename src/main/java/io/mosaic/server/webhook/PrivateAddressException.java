package io.mosaic.server.webhook;

import java.net.UnknownHostException;

/**
 * The host has a private address and must not be called; treated as an unknown host where only public addresses may be
 * called.
 */
final class PrivateAddressException extends UnknownHostException {
    private static final long serialVersionUID = 1L;

    /** Leaves out the address, which may be a secret of the network's name server. */
    static final String REASON =
            "its host is, or resolves to, an address of this machine or of a private network, which only"
                    + " mosaic.webhook.allow-private-addresses permits";

    PrivateAddressException() {
        super(REASON);
    }
}
