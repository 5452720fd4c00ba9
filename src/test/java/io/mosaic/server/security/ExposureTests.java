package io.mosaic.server.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mosaic.fixture.IdleServerTest;
import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.security.oauth2.jwt.JwtDecoder;

/** Where the service listens decides whether it may do so unasked. */
@IdleServerTest
class ExposureTests {
    private static final Roles BOTH = new Roles(Set.of(Role.API, Role.WORKER));
    private static final Optional<String> KEY = Optional.of("x".repeat(SecurityProperties.SHORTEST));

    private final ApiKeys keys;
    private final ObjectProvider<JwtDecoder> noTokens;
    private final JdbcClient jdbc;

    ExposureTests(ApiKeys keys, ObjectProvider<JwtDecoder> noTokens, JdbcClient jdbc) {
        this.keys = keys;
        this.noTokens = noTokens;
        this.jdbc = jdbc;
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1", "127.0.0.2"})
    void loopbackIsOpenUntilSomethingIsConfigured(String address) throws UnknownHostException {
        assertThat(exposure(address, BOTH, open()).authenticates()).isFalse();
        assertThat(exposure(address, BOTH, new SecurityProperties(KEY, false, 0))
                        .authenticates())
                .isTrue();
        assertThat(exposure(address, BOTH, new SecurityProperties(Optional.empty(), true, 0))
                        .authenticates())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::", "10.1.2.3"})
    void elsewhereItDoesNotStartUnprotected(String address) throws UnknownHostException {
        assertThatThrownBy(() -> exposure(address, BOTH, open()))
                .isInstanceOf(UnprotectedServiceException.class)
                .hasMessageContaining(InetAddress.getByName(address).getHostAddress());
        assertThat(exposure(address, BOTH, new SecurityProperties(KEY, false, 0))
                        .authenticates())
                .isTrue();
        assertThat(exposure(address, new Roles(Set.of(Role.WORKER)), open()).authenticates())
                .as("a worker answers probes only")
                .isTrue();
    }

    @Test
    void storedAdminKeyIsProtectionToo() throws UnknownHostException {
        ApiKeys.Created reader = keys.create("exposure-reader", List.of(Scope.READ), Optional.empty());
        assertThatThrownBy(() -> exposure("0.0.0.0", BOTH, open())).isInstanceOf(UnprotectedServiceException.class);

        ApiKeys.Created admin = keys.create("exposure-admin", List.of(Scope.ADMIN), Optional.empty());
        assertThat(exposure("0.0.0.0", BOTH, open()).authenticates()).isTrue();

        List.of(reader, admin)
                .forEach(made -> jdbc.sql("delete from api_key where id = :id")
                        .param("id", made.key().id())
                        .update());
    }

    @ParameterizedTest
    @ValueSource(strings = {"short", "0123456789012345678901234567890", "with spaces in it, thirty-two characters"})
    void weakBootstrapKeysAreRefusedAndNeverTold(String key) {
        assertThatThrownBy(() -> new SecurityProperties(Optional.of(key), false, 0))
                .hasMessageContaining("mosaic.security.bootstrap-key")
                .hasMessageNotContaining(key);
        assertThat(new SecurityProperties(KEY, false, 0).toString()).doesNotContain(KEY.orElseThrow());
    }

    private Exposure exposure(String address, Roles roles, SecurityProperties properties) throws UnknownHostException {
        ServerProperties server = new ServerProperties();
        server.setAddress(InetAddress.getByName(address));
        return new Exposure(server, roles, properties, keys, noTokens);
    }

    private static SecurityProperties open() {
        return new SecurityProperties(Optional.empty(), false, 0);
    }
}
