package io.mosaic.server.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.IdleServerTest;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** No path leads out of a model's folder, or to what is hidden in it. Sent byte for byte, as no client would. */
@IdleServerTest
class PathTests {
    private static final String FILES = "/models/paths/model/files/";
    private static final String SECRET = "what nobody may read";

    private final MosaicHome home;
    private final int port;

    PathTests(MosaicHome home, @Value("${local.server.port}") int port) {
        this.home = home;
        this.port = port;
    }

    @BeforeEach
    void furnish() throws IOException {
        Path namespace = home.models().resolve("paths");
        Path model = namespace.resolve("model");
        Files.createDirectories(model.resolve("sub"));
        Files.writeString(model.resolve("weights.bin"), "weights");
        Files.createDirectory(model.resolve(".hidden"));
        for (Path secret : List.of(
                home.home().resolve("secret.txt"),
                home.models().resolve("secret.txt"),
                namespace.resolve("secret.txt"),
                model.resolve(".job"),
                model.resolve("sub/.job"),
                model.resolve(".hidden/secret.txt"),
                staged())) {
            Files.createDirectories(secret.getParent());
            Files.writeString(secret, SECRET);
        }
        Files.createSymbolicLink(model.resolve("outside.txt"), home.home().resolve("secret.txt"));
        Files.createSymbolicLink(model.resolve("relative.txt"), Path.of("../secret.txt"));
        Files.createSymbolicLink(model.resolve("chain.txt"), Path.of("relative.txt"));
        Files.createSymbolicLink(model.resolve("outside"), home.home());
        Files.createSymbolicLink(model.resolve("sub/up"), Path.of("../.."));
        Files.createSymbolicLink(model.resolve("loop"), Path.of("loop"));
        Files.createSymbolicLink(home.models().resolve("pathslink"), Path.of("paths"));
    }

    @AfterEach
    void clear() throws IOException {
        FileSystemUtils.deleteRecursively(home.models().resolve("paths"));
        FileSystemUtils.deleteRecursively(staged().getParent());
        Files.deleteIfExists(home.models().resolve("pathslink"));
        Files.deleteIfExists(home.models().resolve("secret.txt"));
        Files.deleteIfExists(home.home().resolve("secret.txt"));
    }

    private Path staged() {
        return home.staging().resolve("paths/secret.txt");
    }

    @Test
    void fileItselfIsSent() throws IOException {
        assertThat(exchange("GET", FILES + "weights.bin"))
                .startsWith("HTTP/1.1 200")
                .endsWith("weights");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // up
                "../secret.txt",
                "../../secret.txt",
                "../../../../secret.txt",
                "../../../../../../../../etc/passwd",
                "sub/../../secret.txt",
                "..;/..;/secret.txt",
                ".%2e/secret.txt",
                "%2e%2e/secret.txt",
                "%2E%2E/%2E%2E/secret.txt",
                "..%2fsecret.txt",
                "..%2Fsecret.txt",
                "%2e%2e%2f%2e%2e%2fsecret.txt",
                "..\\secret.txt",
                "..%5csecret.txt",
                "%2e%2e%5c%2e%2e%5csecret.txt",
                "%252e%252e/secret.txt",
                "%252e%252e%252fsecret.txt",
                "%25252e%25252e%25252fsecret.txt",
                "..%255csecret.txt",
                // what looks or once was decoded like a dot or a slash
                "%EF%BC%8E%EF%BC%8E/secret.txt",
                "%EF%BC%8E%EF%BC%8E%EF%BC%8Fsecret.txt",
                "%E2%80%A4%E2%80%A4/secret.txt",
                "%E2%80%A5/secret.txt",
                "..%E2%88%95secret.txt",
                "%c0%ae%c0%ae/secret.txt",
                "%c0%ae%c0%ae%c0%afsecret.txt",
                "%e0%80%ae%e0%80%ae/secret.txt",
                "%f0%80%80%ae%f0%80%80%ae/secret.txt",
                "%u002e%u002e/secret.txt",
                "%uff0e%uff0e/secret.txt",
                "..%c1%9csecret.txt",
                "%ff%fe/secret.txt",
                "%ed%a0%80",
                // ends
                "weights.bin%00",
                "weights.bin%00.txt",
                "%00",
                "..%00/secret.txt",
                "weights.bin.",
                "weights.bin..",
                "weights.bin%20",
                "%20weights.bin",
                "weights.bin%09",
                "weights.bin%0d%0aX-Forged:%20yes",
                "weights.bin/",
                "weights.bin/x",
                "weights.bin::$DATA",
                "weights.bin%3a%3a$DATA",
                "%",
                "%2",
                "%zz",
                "",
                ".",
                "..",
                // absolute
                "/etc/passwd",
                "//etc/passwd",
                "%2fetc%2fpasswd",
                "%2Fetc/passwd",
                "file:///etc/passwd",
                "file:%2f%2f%2fetc%2fpasswd",
                "~/secret.txt",
                "C:/secret.txt",
                "C:%5csecret.txt",
                "\\\\host\\share",
                // devices
                "CON",
                "nul",
                "aux.txt",
                "com1.bin",
                // hidden
                ".job",
                "%2ejob",
                "%2Ejob",
                "./.job",
                "sub/.job",
                "sub/%2ejob",
                "sub/../.job",
                ".hidden/secret.txt",
                "%2ehidden/secret.txt",
                // by a link
                "outside.txt",
                "relative.txt",
                "chain.txt",
                "outside/secret.txt",
                "outside/models/paths/secret.txt",
                "sub/up/secret.txt",
                "sub/up/model/.job",
                "loop",
                "loop/secret.txt",
                // no files
                "sub",
                "sub/",
                ".hidden",
                "outside"
            })
    void fileIsNotFound(String file) throws IOException {
        refused("GET", FILES + file);
    }

    static Stream<String> models() {
        return Stream.of(
                "/models/../secret.txt",
                "/models/%2e%2e/secret.txt",
                "/models/secret.txt",
                "/models/paths/secret.txt",
                "/models/.staging/paths",
                "/models/%2estaging/paths",
                "/models/%2Estaging/paths",
                "/models/%252estaging/paths",
                "/models/pathslink/model",
                "/models/paths/model/../../.staging/paths",
                "/models/paths/..%2fpaths%2fmodel",
                "/models/paths/%2e%2e%2fpaths%2fmodel",
                "/models/paths%2fmodel",
                "/models/paths%5cmodel",
                "/models/paths/model%00",
                "/models/paths/model.",
                "/models/paths/model%20",
                "/models/paths/%20model",
                "/models/paths/model%0a",
                "/models/paths/.hidden",
                "/models/paths/model%2f.hidden",
                "/models/%EF%BC%8E%EF%BC%8E/paths",
                "/models/%c0%ae%c0%ae/paths",
                "/models/paths/mode%EF%BD%8C",
                "/models/con/nul",
                "/models/c:/secret.txt",
                "/models/" + "n".repeat(97) + "/model",
                "/models/paths/" + "n".repeat(300),
                "/models/paths/" + "n".repeat(8000),
                "/models/paths/" + "%F0%9F%98%80".repeat(300));
    }

    @ParameterizedTest
    @MethodSource("models")
    void modelIsNotFound(String path) throws IOException {
        refused("GET", path);
        refused("GET", path + "/files");
        refused("GET", path + "/files/secret.txt");
        refused("GET", path + "/files/weights.bin");
        refused("GET", path + "/archive");
    }

    @ParameterizedTest
    @MethodSource("models")
    void modelIsNotDeleted(String path) throws IOException {
        refused("DELETE", path);

        assertThat(staged()).exists();
        assertThat(home.models().resolve("paths/model/weights.bin")).exists();
    }

    @Test
    void pathLongerThanTheServerReadsIsAProblem() throws IOException {
        refused("GET", FILES + "n".repeat(20_000));
    }

    private void refused(String method, String path) throws IOException {
        String answer = exchange(method, path);

        assertThat(answer)
                .containsPattern(method.equals("GET") ? "^HTTP/1.1 40[04] " : "^HTTP/1.1 40[045] ")
                .doesNotContain(SECRET, "root:", "\nX-Forged");
        assertThat(answer).containsIgnoringCase("\r\nContent-Type: application/problem+json");
        JsonNode problem = JsonMapper.shared().readTree(answer.substring(answer.indexOf("\r\n\r\n")));
        assertThat(problem.path("type").stringValue()).isEqualTo("USER_ERROR");
        assertThat(problem.path("code").stringValue()).isNotBlank();
        assertThat(problem.path("detail").stringValue()).isNotBlank();
    }

    /** The whole answer. */
    private String exchange(String method, String path) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write((method + " " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
