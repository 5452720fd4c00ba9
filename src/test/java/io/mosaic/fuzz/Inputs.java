package io.mosaic.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The inputs of a fuzz target that lie in the project, and mutations of them, the same ones in every build.
 *
 * @param files contents by file name
 */
record Inputs(Class<?> target, SortedMap<String, byte[]> files) {
    private static final long SEED = 1;
    private static final int MOST_MUTATIONS = 6;

    /** The fuzz test of every target; Jazzer looks for inputs in a folder of its name. */
    private static final String METHOD = "readOrRefused";

    private static final Path FAILED = Path.of("target", "fuzz");

    /** What readers stumble over: JSON, numbers, text that is none, lengths. */
    private static final List<byte[]> TOKENS = Stream.concat(
                    Stream.of(
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    ":",
                                    "\"",
                                    "\\",
                                    "null",
                                    "true",
                                    "[]",
                                    "{}",
                                    "\"\"",
                                    "\\u0000",
                                    "\\ud800",
                                    "\ufeff",
                                    "\0",
                                    "\u2024",
                                    "../",
                                    "[[[[[[[[",
                                    "{\"\":{\"\":{\"\":")
                            .map(text -> text.getBytes(StandardCharsets.UTF_8)),
                    Stream.of(
                            new byte[] {(byte) 0xc0, (byte) 0xaf}, // an overlong slash
                            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80}, // half of a pair
                            little(1L << 60),
                            little(-1),
                            little(0)))
            .toList();

    private static final List<String> NUMBERS = List.of(
            "0",
            "-1",
            "1.5",
            "1e999999",
            "-1e-999999",
            "2147483648",
            "4294967296",
            "1152921504606846976",
            "9223372036854775807",
            "18446744073709551616",
            "9".repeat(400));

    private enum Mutation {
        FLIP,
        REPLACE,
        INSERT,
        NUMBER,
        DELETE,
        REPEAT,
        SPLICE,
        TRUNCATE
    }

    static Inputs of(Class<?> target) {
        SortedMap<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> found = Files.list(folder(target))) {
            for (Path file : found.toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Inputs(target, files);
    }

    private static Path folder(Class<?> target) {
        String name = target.getSimpleName() + "Inputs/" + METHOD;
        try {
            return Path.of(Objects.requireNonNull(target.getResource(name)).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Those that must be read. */
    List<byte[]> valid() {
        return files.entrySet().stream()
                .filter(file -> file.getKey().startsWith("valid"))
                .map(Map.Entry::getValue)
                .toList();
    }

    byte[] file(String name) {
        return Objects.requireNonNull(files.get(name), name);
    }

    /** Checks so many mutations; one that fails is kept, to be put among the inputs. */
    void mutate(int count, Consumer<byte[]> check) {
        List<byte[]> originals = List.copyOf(files.values());
        for (int n = 0; n < count; n++) {
            byte[] input = mutated(originals, new Random(SEED + n));
            try {
                check.accept(input);
            } catch (Throwable e) {
                throw new AssertionError(
                        "Mutation " + n + " of seed " + SEED + ", kept at " + keep(n, input) + ": " + e.getMessage(),
                        e);
            }
        }
    }

    private Path keep(int n, byte[] input) {
        try {
            Files.createDirectories(FAILED);
            return Files.write(FAILED.resolve(target.getSimpleName() + "-" + n), input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] mutated(List<byte[]> originals, Random random) {
        byte[] input = pick(originals, random);
        int mutations = 1 + random.nextInt(MOST_MUTATIONS);
        for (int i = 0; i < mutations; i++) {
            input = mutated(input, originals, random);
        }
        return input;
    }

    private static byte[] mutated(byte[] input, List<byte[]> originals, Random random) {
        int at = random.nextInt(input.length + 1);
        int end = at + random.nextInt(Math.min(64, input.length - at + 1));
        byte[] head = Arrays.copyOf(input, at);
        byte[] tail = Arrays.copyOfRange(input, at, input.length);
        return switch (Mutation.values()[random.nextInt(Mutation.values().length)]) {
            case FLIP -> changed(input, at, 1 << random.nextInt(Byte.SIZE));
            case REPLACE -> changed(input, at, random.nextInt(1 << Byte.SIZE));
            case INSERT -> joined(head, pick(TOKENS, random), tail);
            case NUMBER -> otherNumber(input, at, pick(NUMBERS, random));
            case DELETE -> joined(head, Arrays.copyOfRange(input, end, input.length));
            case REPEAT -> joined(head, Arrays.copyOfRange(input, at, end), tail);
            case SPLICE -> {
                byte[] other = pick(originals, random);
                yield joined(head, Arrays.copyOfRange(other, random.nextInt(other.length + 1), other.length));
            }
            case TRUNCATE -> head;
        };
    }

    private static byte[] changed(byte[] input, int at, int bits) {
        byte[] copy = input.clone();
        if (at < copy.length) {
            copy[at] ^= (byte) bits;
        }
        return copy;
    }

    /** The next digits from there on are another number. */
    private static byte[] otherNumber(byte[] input, int at, String number) {
        int start = at;
        while (start < input.length && !Character.isDigit(input[start])) {
            start++;
        }
        int end = start;
        while (end < input.length && Character.isDigit(input[end])) {
            end++;
        }
        return joined(
                Arrays.copyOf(input, start),
                number.getBytes(StandardCharsets.US_ASCII),
                Arrays.copyOfRange(input, end, input.length));
    }

    private static <T> T pick(List<T> from, Random random) {
        return from.get(random.nextInt(from.size()));
    }

    private static byte[] joined(byte[]... parts) {
        ByteBuffer whole = ByteBuffer.allocate(
                Arrays.stream(parts).mapToInt(part -> part.length).sum());
        for (byte[] part : parts) {
            whole.put(part);
        }
        return whole.array();
    }

    private static byte[] little(long value) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
    }
}
