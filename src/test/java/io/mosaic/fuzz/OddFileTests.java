package io.mosaic.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.TinyModel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What may stand in the place of a model's file and is none, or is none that anybody would want to read. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // nothing else ends the wait for a pipe
class OddFileTests {
    private static final Reading READING = new Reading(32 << 20);
    /** However large a file is, what is read of it costs no more than this. */
    private static final byte[] NOTHING = {};

    private static final List<String> FILES = List.of(
            "config.json", Checkpoint.SINGLE_FILE, Checkpoints.INDEX, "tokenizer.json", "tokenizer_config.json");

    @TempDir
    Path temp;

    enum Odd {
        FOLDER {
            @Override
            void create(Path file) throws IOException {
                Files.createDirectory(file);
            }
        },
        PIPE {
            @Override
            void create(Path file) throws IOException {
                assumeTrue(run("mkfifo", file.toString()));
            }
        },
        LINK_TO_NOTHING {
            @Override
            void create(Path file) throws IOException {
                Files.createSymbolicLink(file, file.resolveSibling("nothing"));
            }
        },
        LINK_TO_ITSELF {
            @Override
            void create(Path file) throws IOException {
                Files.createSymbolicLink(file, file);
            }
        },
        LINK_WITHOUT_END {
            @Override
            void create(Path file) throws IOException {
                Files.createSymbolicLink(file, Path.of("/dev/zero"));
            }
        },
        LINK_TO_ANOTHER_FILE {
            @Override
            void create(Path file) throws IOException {
                Files.createSymbolicLink(file, Demo.corpus("demo-test"));
            }
        },
        EMPTY {
            @Override
            void create(Path file) throws IOException {
                Files.createFile(file);
            }
        },
        HOLE_OF_8_GIGABYTES {
            @Override
            void create(Path file) throws IOException {
                try (RandomAccessFile hole = new RandomAccessFile(file.toFile(), "rw")) {
                    hole.setLength(8L << 30);
                }
            }
        };

        abstract void create(Path file) throws IOException;

        private static boolean run(String... command) throws IOException {
            try {
                return new ProcessBuilder(command).start().waitFor() == 0;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    static Stream<Arguments> places() {
        return FILES.stream().flatMap(file -> Arrays.stream(Odd.values()).map(odd -> Arguments.of(file, odd)));
    }

    @ParameterizedTest
    @MethodSource("places")
    void isReadOrRefused(String file, Odd odd) throws IOException {
        Path folder = TinyModel.random(1).writeTo(temp.resolve("model"));
        Files.deleteIfExists(folder.resolve(file));
        odd.create(folder.resolve(file));

        READING.check(NOTHING, input -> ModelFolderFuzzTests.read(folder));
    }

    /** The file is as large as its header says, and the model has no such tensor: nobody reads it. */
    @ParameterizedTest
    @MethodSource("sizes")
    void tensorThatIsAHoleIsRefused(long elements) throws IOException {
        Path folder = TinyModel.random(1).writeTo(temp.resolve("model"));
        String header = "{\"hole\":{\"dtype\":\"F16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
                .formatted(elements, 2 * elements);
        try (RandomAccessFile hole =
                new RandomAccessFile(folder.resolve(Checkpoint.SINGLE_FILE).toFile(), "rw")) {
            hole.writeLong(Long.reverseBytes(header.length()));
            hole.writeBytes(header);
            hole.setLength(Long.BYTES + header.length() + 2 * elements);
        }
        assertThat(Files.size(folder.resolve(Checkpoint.SINGLE_FILE))).isGreaterThan(2 * elements);

        READING.check(NOTHING, input -> ModelFolderFuzzTests.read(folder));
    }

    static Stream<Long> sizes() {
        return Stream.of(1L << 31, 1L << 32);
    }
}
