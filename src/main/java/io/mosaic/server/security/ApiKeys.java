package io.mosaic.server.security;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
import java.security.SecureRandom;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** The stored API keys. Only their hashes are stored: a secret is shown once, when its key is made. */
@Repository
@Transactional
class ApiKeys {
    private static final String PREFIX = "mosaic_";
    private static final int SECRET_BYTES = 32;

    /** Resolution of the last use, so that not every request writes. */
    private static final Duration NOTED = Duration.ofMinutes(1);

    private static final String VALID = "revoked_at is null and (expires_at is null or expires_at > clock_timestamp())";

    private final JdbcClient jdbc;
    private final SecureRandom random = new SecureRandom();

    ApiKeys(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** A new key with its secret, which is not available again. */
    record Created(ApiKey key, String secret) {}

    Created create(String name, List<Scope> scopes, Optional<Instant> expiresAt) {
        byte[] bytes = new byte[SECRET_BYTES];
        random.nextBytes(bytes);
        String secret = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        ApiKey key = jdbc.sql("""
                        insert into api_key (name, sha256, scopes, expires_at)
                        values (:name, :sha256, string_to_array(:scopes, ','), :expires)
                        returning *
                        """)
                .param("name", name)
                .param("sha256", Hashes.text(secret))
                .param(
                        "scopes",
                        String.join(",", scopes.stream().map(Scope::toString).toList()))
                .param("expires", expiresAt.map(Timestamp::from).orElse(null))
                .query(ApiKeys::key)
                .single();
        return new Created(key, secret);
    }

    /** The key with this secret, unless it was revoked or has expired. */
    Optional<ApiKey> find(String secret) {
        if (!secret.startsWith(PREFIX)) {
            return Optional.empty(); // a token, or nonsense
        }
        Optional<ApiKey> found = jdbc.sql("select * from api_key where sha256 = :sha256 and " + VALID)
                .param("sha256", Hashes.text(secret))
                .query(ApiKeys::key)
                .optional();
        found.filter(key -> key.lastUsedAt()
                        .filter(Instant.now().minus(NOTED)::isBefore)
                        .isEmpty())
                .ifPresent(key -> jdbc.sql("update api_key set last_used_at = clock_timestamp() where id = :id")
                        .param("id", key.id())
                        .update());
        return found;
    }

    /** All keys ever made, newest first. */
    List<ApiKey> list() {
        return jdbc.sql("select * from api_key order by created_at desc, id")
                .query(ApiKeys::key)
                .list();
    }

    /** Whether a valid key exists that can make more keys. */
    boolean hasAdmin() {
        return jdbc.sql("select exists (select from api_key where 'admin' = any (scopes) and " + VALID + ")")
                .query(Boolean.class)
                .single();
    }

    /** Ends a key at once, for good. */
    void revoke(UUID id) {
        int changed = jdbc.sql("update api_key set revoked_at = coalesce(revoked_at, clock_timestamp()) where id = :id")
                .param("id", id)
                .update();
        if (changed == 0) {
            throw notFound(id);
        }
    }

    /**
     * Replaces a valid key by a new one of the same name, scopes and expiry.
     *
     * @param overlap how long the old one still works
     */
    Created rotate(UUID id, Duration overlap) {
        ApiKey old = jdbc.sql("select * from api_key where id = :id and " + VALID + " for update")
                .param("id", id)
                .query(ApiKeys::key)
                .optional()
                .orElseThrow(() -> notFound(id));
        Created created = create(old.name(), old.scopes(), old.expiresAt());
        jdbc.sql("""
                        update api_key
                           set expires_at = least(expires_at, clock_timestamp() + :overlap * interval '1 second')
                         where id = :id
                        """).param("overlap", overlap.toSeconds()).param("id", id).update();
        return created;
    }

    private static MosaicException notFound(UUID id) {
        return new MosaicException(ErrorCode.KEY_NOT_FOUND, "No valid key " + id + "; GET /keys lists them");
    }

    private static ApiKey key(ResultSet row, int number) throws SQLException {
        return new ApiKey(
                row.getObject("id", UUID.class),
                row.getString("name"),
                Arrays.stream((String[]) row.getArray("scopes").getArray())
                        .map(scope -> Scope.valueOf(scope.toUpperCase(Locale.ROOT)))
                        .toList(),
                row.getTimestamp("created_at").toInstant(),
                instant(row.getTimestamp("expires_at")),
                instant(row.getTimestamp("revoked_at")),
                instant(row.getTimestamp("last_used_at")));
    }

    private static Optional<Instant> instant(@Nullable Timestamp time) {
        return Optional.ofNullable(time).map(Timestamp::toInstant);
    }
}
