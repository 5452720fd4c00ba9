package io.mosaic.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.ServiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file of more than 2 GiB, nearly all of it a hole, out of a service whose heap is an eighth of that. */
class LargeFileTests {
    private static final long BOUNDARY = 1L << 31;
    private static final long SIZE = BOUNDARY + 1_000_003;
    private static final String FILE = "/models/large/sparse/files/model.safetensors";

    /** The bytes that are not zero. */
    private static final SortedMap<Long, Byte> MARKS =
            new TreeMap<>(Map.of(0L, (byte) 1, BOUNDARY - 1, (byte) 2, BOUNDARY, (byte) 3, SIZE - 1, (byte) 4));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path home;

    @SuppressWarnings("NullAway.Init")
    private static ServiceProcess service;

    @BeforeAll
    static void start() throws IOException {
        Path folder = Files.createDirectories(home.resolve("models/large/sparse"));
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(SIZE);
            for (var mark : MARKS.entrySet()) {
                file.seek(mark.getKey());
                file.write(mark.getValue());
            }
        }
        service = ServiceProcess.start(
                home, List.of("-Xmx256m"), "--mosaic.demo.enabled=false", "--mosaic.worker.cpu-workers=0");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    /** What came: how many bytes, and where they were not zero. */
    private record Received(long bytes, SortedMap<Long, Byte> marks) {}

    @Test
    void wholeFileComesThroughASmallHeap() {
        HttpResponse<InputStream> response = get();

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValueAsLong("Content-Length")).hasValue(SIZE);
        assertThat(received(response, 0)).isEqualTo(new Received(SIZE, MARKS));
    }

    @Test
    void rangeBehindTheBoundaryOfAnIntIsResumed() {
        HttpResponse<InputStream> rest = get("Range", "bytes=" + BOUNDARY + "-");

        assertThat(rest.statusCode()).isEqualTo(206);
        assertThat(rest.headers().firstValue("Content-Range"))
                .hasValue("bytes " + BOUNDARY + "-" + (SIZE - 1) + "/" + SIZE);
        assertThat(received(rest, BOUNDARY)).isEqualTo(new Received(SIZE - BOUNDARY, MARKS.tailMap(BOUNDARY)));
    }

    @Test
    void rangeAcrossTheBoundaryAndTheLastBytesAreExact() {
        HttpResponse<InputStream> across = get("Range", "bytes=" + (BOUNDARY - 5) + "-" + (BOUNDARY + 4));
        HttpResponse<InputStream> last = get("Range", "bytes=-7");

        assertThat(received(across, BOUNDARY - 5))
                .isEqualTo(new Received(10, MARKS.subMap(BOUNDARY - 1, BOUNDARY + 1)));
        assertThat(last.headers().firstValue("Content-Range"))
                .hasValue("bytes " + (SIZE - 7) + "-" + (SIZE - 1) + "/" + SIZE);
        assertThat(received(last, SIZE - 7)).isEqualTo(new Received(7, MARKS.tailMap(SIZE - 1)));
    }

    @Test
    void archiveSaysHowLongItWillBe() {
        HttpResponse<byte[]> head = service.api().head("/models/large/sparse/archive");

        long records = Math.ceilDiv(SIZE, 512);
        long headers = 1 + 2; // of the file, and its time to the microsecond
        assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(512 * (headers + records + 2));
    }

    private static HttpResponse<InputStream> get(String... headers) {
        Api api = service.api();
        return api.send(api.request(FILE, headers), HttpResponse.BodyHandlers.ofInputStream());
    }

    /** @param start where in the file the answer begins */
    private static Received received(HttpResponse<InputStream> response, long start) {
        SortedMap<Long, Byte> marks = new TreeMap<>();
        long bytes = 0;
        byte[] zeros = new byte[1 << 16];
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = response.body()) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                for (int at = mark(buffer, 0, read, zeros); at < read; at = mark(buffer, at + 1, read, zeros)) {
                    marks.put(start + bytes + at, buffer[at]);
                }
                bytes += read;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Received(bytes, marks);
    }

    /** The first byte from here on that is not zero, or the end. */
    private static int mark(byte[] buffer, int from, int end, byte[] zeros) {
        int different = Arrays.mismatch(buffer, from, end, zeros, 0, end - from);
        return different < 0 ? end : from + different;
    }
}
