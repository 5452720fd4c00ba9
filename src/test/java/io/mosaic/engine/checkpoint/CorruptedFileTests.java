package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.fixture.RawSafetensors;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Small valid files with bytes flipped, put in, taken out or cut off: they are read or refused, at a bounded cost. */
class CorruptedFileTests {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Bytes that a reading may allocate: buffers of the parser, and so many for each byte of the file. */
    private static final long FIXED = 512 << 10;

    private static final long PER_BYTE = 100;

    private static final byte[] WEIGHTS = RawSafetensors.of("""
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
            "b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"F16","shape":[],"data_offsets":[32,34]}}""", 34);

    private static final byte[] CONFIG =
            TinyLlama.of(new LayerShape(24, 6, 3, 4, 10)).document().toString().getBytes(StandardCharsets.UTF_8);

    private static final Path FOLDER = createFolder();

    /** One fault: where, how and with what. */
    record Corruption(Kind kind, double place, byte value) {
        enum Kind {
            FLIP,
            REPLACE,
            INSERT,
            DELETE,
            REPEAT,
            TRUNCATE
        }

        byte[] apply(byte[] file) {
            if (file.length == 0) {
                return file;
            }
            int at = (int) (place * file.length);
            return switch (kind) {
                case FLIP -> changed(file, at, (byte) (file[at] ^ (1 << (value & 7))));
                case REPLACE -> changed(file, at, value);
                case INSERT -> joined(Arrays.copyOf(file, at), new byte[] {value}, tail(file, at));
                case DELETE -> joined(Arrays.copyOf(file, at), tail(file, Math.min(file.length, at + 1 + (value & 7))));
                case REPEAT -> joined(file, tail(file, at));
                case TRUNCATE -> Arrays.copyOf(file, at);
            };
        }

        private static byte[] changed(byte[] file, int at, byte value) {
            byte[] copy = file.clone();
            copy[at] = value;
            return copy;
        }

        private static byte[] tail(byte[] file, int from) {
            return Arrays.copyOfRange(file, from, file.length);
        }

        private static byte[] joined(byte[]... parts) {
            int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
            byte[] whole = new byte[length];
            int at = 0;
            for (byte[] part : parts) {
                System.arraycopy(part, 0, whole, at, part.length);
                at += part.length;
            }
            return whole;
        }
    }

    private static Path createFolder() {
        try {
            return Files.createTempDirectory("mosaic-corrupted");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Classes are loaded and caches filled before anything is counted. */
    @BeforeContainer
    static void warmUp() {
        for (int i = 0; i < 50; i++) {
            read(WEIGHTS);
            configure(CONFIG);
        }
    }

    @AfterContainer
    static void deleteFolder() throws IOException {
        Files.deleteIfExists(FOLDER.resolve("model.safetensors"));
        Files.deleteIfExists(FOLDER.resolve("config.json"));
        Files.delete(FOLDER);
    }

    @Provide
    Arbitrary<List<Corruption>> corruptions() {
        Arbitrary<Byte> json = Arbitraries.of(boxed("{}[]\",:0123456789eE.-+\\ntF\0"));
        return Combinators.combine(
                        Arbitraries.of(Corruption.Kind.class),
                        Arbitraries.doubles().between(0, true, 1, false).ofScale(4),
                        Arbitraries.oneOf(Arbitraries.bytes(), json))
                .as(Corruption::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(6);
    }

    private static Byte[] boxed(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        Byte[] boxed = new Byte[bytes.length];
        Arrays.setAll(boxed, i -> bytes[i]);
        return boxed;
    }

    @Property(tries = 4000)
    void corruptedWeightsAreReadOrRefused(@ForAll("corruptions") List<Corruption> corruptions) {
        byte[] file = corrupted(WEIGHTS, corruptions);
        write("model.safetensors", file);
        bounded(file, () -> {
            try (SafetensorsReader reader = SafetensorsReader.open(FOLDER.resolve("model.safetensors"))) {
                for (TensorInfo tensor : reader.tensors().values()) {
                    // what is believed must also be there
                    float[] values = new float[Math.toIntExact(tensor.elements())];
                    reader.read(tensor, 0, values, 0, values.length);
                }
            }
        });
    }

    @Property(tries = 4000)
    void corruptedConfigIsReadOrRefused(@ForAll("corruptions") List<Corruption> corruptions) {
        byte[] file = corrupted(CONFIG, corruptions);
        write("config.json", file);
        bounded(file, () -> ModelConfig.read(FOLDER));
    }

    private static void read(byte[] file) {
        write("model.safetensors", file);
        SafetensorsReader.open(FOLDER.resolve("model.safetensors")).close();
    }

    private static void configure(byte[] file) {
        write("config.json", file);
        assertThat(ModelConfig.read(FOLDER).layers()).isEqualTo(2);
    }

    private static byte[] corrupted(byte[] file, List<Corruption> corruptions) {
        byte[] corrupted = file;
        for (Corruption corruption : corruptions) {
            corrupted = corruption.apply(corrupted);
        }
        return corrupted;
    }

    private static void bounded(byte[] file, Runnable reading) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        MosaicException refusal = null;
        try {
            reading.run();
        } catch (MosaicException e) {
            refusal = e;
        }
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        if (refusal != null) {
            Refusals.readable(refusal);
        }
        assertThat(allocated).as("bytes allocated to read %d", file.length).isLessThan(FIXED + PER_BYTE * file.length);
    }

    private static void write(String name, byte[] bytes) {
        try {
            Files.write(FOLDER.resolve(name), bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
