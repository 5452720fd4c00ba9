package io.mosaic.server.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Value;

/** Without keys, what is not of this machine is refused although it comes from there. */
@IdleServerTest
class LocalClientsOnlyTests {
    private final Api api;
    private final int port;

    LocalClientsOnlyTests(Api api, @Value("${local.server.port}") int port) {
        this.api = api;
        this.port = port;
    }

    @ParameterizedTest
    @ValueSource(strings = {"X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP"})
    void whatAProxyPassesOnIsRefused(String header) {
        Api.problem(api.get("/jobs", header, "192.0.2.1"), 403, ErrorCode.FORBIDDEN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example", "10.0.0.1"})
    void browserThatWasLedHereByAnotherNameIsRefused(String host) throws IOException {
        assertThat(statusUnder(host)).contains(" 403 ");
    }

    @Test
    void namesOfThisMachineAreServed() throws IOException {
        for (String host : new String[] {"localhost", "127.0.0.1", "[::1]"}) {
            assertThat(statusUnder(host + ":" + port)).as(host).contains(" 200 ");
        }
    }

    /** The HTTP client of the JDK lets nobody choose the Host. */
    private String statusUnder(String host) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write(("GET /jobs HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .findFirst()
                    .orElse("");
        }
    }
}
