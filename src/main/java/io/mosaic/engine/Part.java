package io.mosaic.engine;

import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One of the consecutive parts into which long work is divided.
 *
 * @param from its first index
 * @param to one past its last
 */
public record Part(int from, int to) {
    /**
     * All parts of {@code length} indices, for work in parallel; each has {@code size} indices, the last one the rest.
     */
    public static Stream<Part> of(int length, int size) {
        return IntStream.range(0, Math.ceilDiv(length, size)).parallel().mapToObj(part -> {
            int from = part * size;
            return new Part(from, from + Math.min(size, length - from));
        });
    }
}
