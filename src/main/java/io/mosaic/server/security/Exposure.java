package io.mosaic.server.security;

import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import java.net.InetAddress;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.stereotype.Component;

/** Who can reach the service, and whether it may serve them without authentication. */
@Component
class Exposure {
    private final boolean authenticates;

    /**
     * @throws UnprotectedServiceException when other machines can reach the service and no means of authentication is
     *     configured
     */
    Exposure(
            ServerProperties server,
            Roles roles,
            SecurityProperties properties,
            ApiKeys keys,
            ObjectProvider<JwtDecoder> tokens) {
        InetAddress address = server.getAddress();
        boolean local = address != null && address.isLoopbackAddress();
        boolean configured = properties.bootstrapKey().isPresent() || tokens.getIfAvailable() != null;
        if (!local && roles.has(Role.API) && !configured && !keys.hasAdmin()) {
            throw new UnprotectedServiceException(address == null ? "all addresses" : address.getHostAddress());
        }
        authenticates = !local || configured || properties.required();
    }

    /** Whether a key or token is required. */
    boolean authenticates() {
        return authenticates;
    }
}
