package io.mosaic.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.mosaic.engine.ErrorType;
import io.mosaic.engine.MosaicException;
import io.mosaic.fixture.Refusals;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Optional;

/**
 * What a reader owes to whatever bytes it is given: it reads them or refuses them as the user's fault, soon, and with
 * memory in proportion to their number.
 *
 * @param fixed bytes that a reading may allocate besides
 */
record Reading(long fixed) {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final long PER_BYTE = 100;

    /** Generous: a reading takes milliseconds. */
    private static final Duration SOON = Duration.ofSeconds(10);

    /** Reads bytes. */
    interface Reader {
        void read(byte[] input) throws Throwable;
    }

    private record Outcome(Optional<Throwable> thrown, Duration taken, long allocated) {
        static Outcome of(byte[] input, Reader reader) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            long start = System.nanoTime();
            Optional<Throwable> thrown = Optional.empty();
            try {
                reader.read(input);
            } catch (Throwable e) {
                thrown = Optional.of(e);
            }
            Duration taken = Duration.ofNanos(System.nanoTime() - start);
            return new Outcome(thrown, taken, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
    }

    /** What is valid is read. */
    static void valid(Inputs inputs, Reader reader) throws Throwable {
        for (byte[] input : inputs.valid()) {
            reader.read(input);
        }
    }

    void check(byte[] input, Reader reader) {
        Outcome outcome = Outcome.of(input, reader);
        long most = fixed + PER_BYTE * input.length;
        if (outcome.allocated() >= most) {
            outcome = Outcome.of(input, reader); // the first time, classes were loaded and caches filled
        }
        outcome.thrown().ifPresent(Reading::assertRefusal);
        assertThat(outcome.taken()).isLessThan(SOON);
        assertThat(outcome.allocated())
                .as("bytes allocated to read %d", input.length)
                .isLessThan(most);
    }

    private static void assertRefusal(Throwable thrown) {
        if (!(thrown instanceof MosaicException refusal)) {
            throw new AssertionError("Neither read nor refused: " + thrown, thrown);
        }
        assertThat(refusal.code().type()).as(refusal.detail()).isEqualTo(ErrorType.USER_ERROR);
        Refusals.readable(refusal);
        assertThat(refusal.detail()).doesNotContainPattern("\\p{Cs}"); // half a character is none
    }
}
