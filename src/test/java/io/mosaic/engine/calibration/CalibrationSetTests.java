package io.mosaic.engine.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Which windows are drawn from a text. Token i of the text is i, so that a window tells where it stood. */
class CalibrationSetTests {
    private static CalibrationSet sample(int tokens, int samples, int length, Sampling sampling, long seed) {
        return CalibrationSet.sample(
                "text", IntStream.range(0, tokens).toArray(), new CalibrationWindows(samples, length), sampling, seed);
    }

    private static int[] starts(CalibrationSet set) {
        return Arrays.stream(set.windows()).mapToInt(window -> window[0]).toArray();
    }

    @ParameterizedTest
    @EnumSource
    void windowsAreConsecutiveTokensOfTheText(Sampling sampling) {
        CalibrationSet set = sample(1000, 20, 37, sampling, 4);
        assertThat(set.samples()).isEqualTo(20);
        assertThat(set.length()).isEqualTo(37);
        for (int[] window : set.windows()) {
            assertThat(window)
                    .isEqualTo(IntStream.range(window[0], window[0] + 37).toArray());
            assertThat(window[0]).isBetween(0, 963);
        }
    }

    @ParameterizedTest
    @EnumSource
    void windowsWithBosBeginWithItAndHoldOneTokenOfTextLess(Sampling sampling) {
        int bos = -7;
        CalibrationSet set = CalibrationSet.sample(
                "text",
                IntStream.range(0, 100).toArray(),
                new CalibrationWindows(5, 9, OptionalInt.of(bos)),
                sampling,
                4);
        assertThat(set.length()).isEqualTo(9);
        for (int[] window : set.windows()) {
            assertThat(window[0]).isEqualTo(bos);
            assertThat(Arrays.copyOfRange(window, 1, 9))
                    .isEqualTo(IntStream.range(window[1], window[1] + 8).toArray());
        }
    }

    @Test
    void heldOutWindowsBeginAsThoseThatCalibrateDo() {
        CalibrationWindows windows = new CalibrationWindows(2, 32, OptionalInt.of(-7));
        HeldOutSet heldOut = HeldOutSet.of(
                IntStream.range(0, 1000).toArray(), windows, Sampling.STRIDED, 0, new CalibrationWindows(4, 32));
        assertThat(heldOut.independent()).isTrue();
        assertThat(heldOut.set().samples()).isEqualTo(4);
        for (int[] window : heldOut.set().windows()) {
            assertThat(window).hasSize(32);
            assertThat(window[0]).isEqualTo(-7);
        }
    }

    @Test
    void strideIsTheRoomByTheSamples() {
        assertThat(starts(sample(103, 4, 11, Sampling.STRIDED, 0))).containsExactly(0, 23, 46, 69);
    }

    @Test
    void sameSeedDrawsTheSameWindowsAndAnotherSeedOthers() {
        int[] first = starts(sample(100_000, 16, 8, Sampling.RANDOM, 1));
        assertThat(starts(sample(100_000, 16, 8, Sampling.RANDOM, 1))).isEqualTo(first);
        assertThat(starts(sample(100_000, 16, 8, Sampling.RANDOM, 2))).isNotEqualTo(first);
    }

    @Test
    void everyStartCanBeDrawnTheLastIncluded() {
        assertThat(starts(sample(12, 200, 10, Sampling.RANDOM, 3))).contains(0, 1, 2);
    }

    @ParameterizedTest
    @EnumSource
    void textOfExactlyOneWindowGivesItAgainAndAgain(Sampling sampling) {
        assertThat(starts(sample(10, 3, 10, sampling, 5))).containsExactly(0, 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void textShorterThanAWindowIsRefused(Sampling sampling) {
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() -> sample(9, 1, 10, sampling, 5))
                .withMessageContaining("text has 9 tokens")
                .withMessageContaining("10")
                .extracting(MosaicException::code)
                .isEqualTo(ErrorCode.CORPUS_TOO_SHORT);
    }

    @ParameterizedTest
    @CsvSource({"0,5", "5,0", "-1,5", "5,-1"})
    void noWindowsAreNoCalibration(int samples, int length) {
        assertThatIllegalArgumentException().isThrownBy(() -> new CalibrationWindows(samples, length));
    }

    @ParameterizedTest
    @CsvSource({"44590,256,256,128", "10000000,131072,2048,128", "44590,100000,2048,21", "7,256,7,1", "0,256,1,1"})
    void usualCalibrationIsCutToContextAndText(int tokens, int context, int length, int samples) {
        assertThat(CalibrationWindows.usualLength(tokens, context)).isEqualTo(length);
        assertThat(CalibrationWindows.usualSamples(tokens, length)).isEqualTo(samples);
    }
}
