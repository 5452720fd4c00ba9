package io.mosaic.server.security;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * An API key without its secret.
 *
 * @param name of its holder; a key keeps it when rotated
 */
record ApiKey(
        UUID id,
        String name,
        List<Scope> scopes,
        Instant createdAt,
        Optional<Instant> expiresAt,
        Optional<Instant> revokedAt,
        Optional<Instant> lastUsedAt) {}
