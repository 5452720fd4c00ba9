package io.mosaic.server.webhook;

import java.net.UnknownHostException;

/** A host that is not to be called: for whoever may call public addresses alone it does not exist. */
final class PrivateAddressException extends UnknownHostException {
    private static final long serialVersionUID = 1L;

    /** Does not tell the address, which may be a secret of the network's name server. */
    static final String REASON =
            "its host is, or resolves to, an address of this machine or of a private network, which only"
                    + " mosaic.webhook.allow-private-addresses permits";

    PrivateAddressException() {
        super(REASON);
    }
}
