package io.mosaic.server.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.ServerTest;
import io.mosaic.server.MosaicHome;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@ServerTest
class DownloadTests {
    private static final String FILE = "/models/downloads/plain/files/weights.bin";
    private static final int SIZE = 100_003;

    private final Api api;
    private final Path models;
    private byte[] content = new byte[0];

    DownloadTests(Api api, MosaicHome home) {
        this.api = api;
        this.models = home.models();
    }

    @BeforeEach
    void drop() throws IOException {
        content = bytes(1, SIZE);
        put("downloads/plain/weights.bin", content);
    }

    @Test
    void fileHasTheHashOfItsContentAsStrongETag() throws IOException {
        HttpResponse<byte[]> response = api.download(FILE);

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).isEqualTo(content);
        assertThat(header(response, "ETag")).isEqualTo(etag(content));
        assertThat(header(response, "Content-Length")).isEqualTo("" + SIZE);
        assertThat(header(response, "Accept-Ranges")).isEqualTo("bytes");
        assertThat(header(response, "Content-Type")).isEqualTo("application/octet-stream");
        assertThat(header(response, "Content-Disposition")).isEqualTo("attachment; filename=\"weights.bin\"");
    }

    @Test
    void headTellsTheSameWithoutTheContent() {
        HttpResponse<byte[]> head = api.head(FILE);

        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        for (String name : List.of("ETag", "Content-Length", "Accept-Ranges", "Last-Modified", "Content-Type")) {
            assertThat(header(head, name)).isEqualTo(header(api.download(FILE), name));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-0, 0, 0",
        "bytes=0-999, 0, 999",
        "bytes=500-1499, 500, 1499",
        "bytes=100002-, 100002, 100002",
        "bytes=99000-, 99000, 100002",
        "bytes=99000-500000, 99000, 100002",
        "bytes=-1, 100002, 100002",
        "bytes=-500, 99503, 100002",
        "bytes=-500000, 0, 100002"
    })
    void rangeGivesThatPart(String range, int first, int last) throws IOException {
        HttpResponse<byte[]> part = api.download(FILE, "Range", range);

        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(header(part, "Content-Range")).isEqualTo("bytes " + first + "-" + last + "/" + SIZE);
        assertThat(header(part, "Content-Length")).isEqualTo("" + (last - first + 1));
        assertThat(header(part, "ETag")).isEqualTo(etag(content));
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(content, first, last + 1));
    }

    @Test
    void severalRangesComeAsParts() {
        HttpResponse<byte[]> parts = api.download(FILE, "Range", "bytes=0-9,50-59");

        assertThat(parts.statusCode()).isEqualTo(206);
        assertThat(header(parts, "Content-Type")).startsWith("multipart/byteranges");
        assertThat(new String(parts.body(), StandardCharsets.ISO_8859_1))
                .contains("Content-Range: bytes 0-9/" + SIZE + "\r\n\r\n" + latin(0, 10) + "\r\n")
                .contains("Content-Range: bytes 50-59/" + SIZE + "\r\n\r\n" + latin(50, 60) + "\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=100003-", "bytes=200000-300000", "bytes=5-2", "bytes=", "bytes=a-b", "bytes=-0"})
    void rangeThatDoesNotFitIsAProblemWithTheLength(String range) {
        HttpResponse<String> response = api.get(FILE, "Range", range);

        Api.problem(response, 416, ErrorCode.RANGE_NOT_SATISFIABLE);
        assertThat(header(response, "Content-Range")).isEqualTo("bytes */" + SIZE);
    }

    @Test
    void unknownRangeUnitIsIgnored() {
        HttpResponse<byte[]> response = api.download(FILE, "Range", "lines=1-2");

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).isEqualTo(content);
    }

    @Test
    void ifRangeOfThisStateGivesThePart() {
        HttpResponse<byte[]> part = api.download(FILE, "Range", "bytes=10-19", "If-Range", etag(content));

        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(content, 10, 20));
    }

    @Test
    void ifRangeOfAnotherStateGivesTheWholeNewFile() throws IOException {
        String before = header(api.download(FILE, "Range", "bytes=0-9"), "ETag");
        byte[] changed = bytes(2, SIZE + 1);
        put("downloads/plain/weights.bin", changed);

        for (String range : List.of("bytes=10-19", "bytes=" + SIZE + "-", "bytes=999999-")) {
            HttpResponse<byte[]> whole = api.download(FILE, "Range", range, "If-Range", before);
            assertThat(whole.statusCode()).isEqualTo(200);
            assertThat(whole.body()).isEqualTo(changed);
            assertThat(header(whole, "ETag")).isEqualTo(etag(changed));
            assertThat(header(whole, "Content-Length")).isEqualTo("" + changed.length);
            HttpResponse<byte[]> head = api.head(FILE, "Range", range, "If-Range", before);
            assertThat(head.statusCode()).isEqualTo(200);
            assertThat(header(head, "Content-Length")).isEqualTo("" + changed.length);
        }
    }

    @Test
    void fileThatTheClientHasIsNotSentAgain() {
        HttpResponse<byte[]> unchanged = api.download(FILE, "If-None-Match", etag(content));
        HttpResponse<byte[]> part = api.download(FILE, "If-None-Match", etag(content), "Range", "bytes=0-9");
        HttpResponse<byte[]> changed = api.download(FILE, "If-None-Match", "\"other\"");

        assertThat(unchanged.statusCode()).isEqualTo(304);
        assertThat(unchanged.body()).isEmpty();
        assertThat(header(unchanged, "ETag")).isEqualTo(etag(content));
        assertThat(part.statusCode()).isEqualTo(304);
        assertThat(changed.statusCode()).isEqualTo(200);
    }

    @Test
    void textIsNotCompressedBehindTheBackOfItsETag() throws IOException {
        HttpResponse<byte[]> response =
                api.download("/models/test/tiny/files/tokenizer.json", "Accept-Encoding", "gzip");

        assertThat(response.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(response.body()).isEqualTo(Files.readAllBytes(models.resolve("test/tiny/tokenizer.json")));
    }

    @Test
    void everyListedFileCanBeFetchedByItsLink() throws IOException {
        put("downloads/odd/a b+c%.txt", bytes(3, 10));
        put("downloads/odd/größe-数.bin", bytes(4, 10));
        put("downloads/odd/sub/deep/file.bin", bytes(5, 10));
        put("downloads/odd/empty", new byte[0]);
        put("downloads/odd/.hidden", bytes(6, 10));
        put("downloads/odd/.cache/hidden", bytes(6, 10));

        JsonNode list = api.json("/models/downloads/odd/files");

        assertThat(list.path("content"))
                .extracting(file -> file.path("path").stringValue())
                .containsExactly("a b+c%.txt", "empty", "größe-数.bin", "sub/deep/file.bin");
        for (JsonNode file : list.path("content")) {
            HttpResponse<byte[]> response = api.download(file.path("link").stringValue());
            assertThat(response.statusCode()).as(file.toString()).isEqualTo(200);
            assertThat(response.body())
                    .hasSize(file.path("bytes").intValue())
                    .isEqualTo(Files.readAllBytes(models.resolve("downloads/odd")
                            .resolve(file.path("path").stringValue())));
        }
        assertThat(header(
                        api.download("/models/downloads/odd/files/gr%C3%B6%C3%9Fe-%E6%95%B0.bin"),
                        "Content-Disposition"))
                .contains("filename*=UTF-8''gr%C3%B6%C3%9Fe-%E6%95%B0.bin");
        assertThat(api.json("/models/downloads/odd/files").path("content"))
                .extracting(file -> file.path("sha256").stringValue())
                .containsExactly(sha256(bytes(3, 10)), sha256(new byte[0]), sha256(bytes(4, 10)), sha256(bytes(5, 10)));
        Api.problem(api.get("/models/downloads/odd/files/.hidden"), 404, ErrorCode.NOT_FOUND);
    }

    @Test
    void archiveHoldsEveryFileAndIsAsLongAsItSays() throws IOException {
        Map<String, byte[]> expected = new LinkedHashMap<>();
        expected.put("archived/" + "long".repeat(40) + ".bin", bytes(7, 1000));
        expected.put("archived/empty", new byte[0]);
        expected.put("archived/größe-数.bin", bytes(8, 513));
        expected.put("archived/sub/file.bin", bytes(9, 512));
        expected.put("archived/weights.bin", bytes(10, 70_001));
        for (Map.Entry<String, byte[]> file : expected.entrySet()) {
            put("downloads/" + file.getKey(), file.getValue());
        }
        put("downloads/archived/.hidden", bytes(6, 10));

        HttpResponse<byte[]> archive = api.download("/models/downloads/archived/archive");

        assertThat(archive.statusCode()).isEqualTo(200);
        assertThat(header(archive, "Content-Type")).isEqualTo("application/x-tar");
        assertThat(header(archive, "Content-Length")).isEqualTo("" + archive.body().length);
        assertThat(header(archive, "Content-Disposition")).isEqualTo("attachment; filename=\"archived.tar\"");
        Map<String, byte[]> unpacked = new LinkedHashMap<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new ByteArrayInputStream(archive.body()))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                assertThat(entry.isFile()).isTrue();
                unpacked.put(entry.getName(), tar.readAllBytes());
            }
        }
        assertThat(unpacked.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
        unpacked.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(expected.get(name)));
        HttpResponse<byte[]> head = api.head("/models/downloads/archived/archive");
        assertThat(head.body()).isEmpty();
        assertThat(header(head, "Content-Length")).isEqualTo(header(archive, "Content-Length"));
    }

    @Test
    void missingFilesAndModelsAreProblems() {
        Api.problem(api.get("/models/downloads/plain/files/other.bin"), 404, ErrorCode.NOT_FOUND);
        Api.problem(api.get("/models/downloads/plain/files/"), 404, ErrorCode.NOT_FOUND);
        Api.problem(api.get("/models/downloads/none/files/weights.bin"), 404, ErrorCode.MODEL_NOT_FOUND);
        Api.problem(api.get("/models/downloads/none/files"), 404, ErrorCode.MODEL_NOT_FOUND);
        Api.problem(api.get("/models/downloads/none/archive"), 404, ErrorCode.MODEL_NOT_FOUND);
    }

    private String latin(int from, int to) {
        return new String(content, from, to - from, StandardCharsets.ISO_8859_1);
    }

    private void put(String path, byte[] bytes) throws IOException {
        Path file = models.resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
    }

    private static byte[] bytes(long seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static String etag(byte[] bytes) {
        return '"' + sha256(bytes) + '"';
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("no " + name);
    }
}
