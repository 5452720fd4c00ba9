package io.mosaic.server.role;

import java.util.Set;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What this process does.
 *
 * @param roles {@code api}, {@code worker} or both; {@code migrate} alone
 */
@ConfigurationProperties("mosaic")
public record Roles(@DefaultValue({"api", "worker"}) Set<Role> roles) {
    static final String PROPERTY = "mosaic.roles";

    public Roles {
        if (roles.isEmpty() || (roles.contains(Role.MIGRATE) && roles.size() > 1)) {
            throw new IllegalArgumentException(
                    PROPERTY + " " + roles + " is neither api, nor worker, nor both with a comma, nor migrate alone");
        }
        roles = Set.copyOf(roles);
    }

    public boolean has(Role role) {
        return roles.contains(role);
    }
}
