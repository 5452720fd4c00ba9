package io.mosaic.engine.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Candidates are compared on text that did not calibrate, as far as there is any. */
class HeldOutSetTests {
    /** Every token its own place. */
    private static final int[] TOKENS = IntStream.range(0, 10_000).toArray();

    private static Set<Integer> places(CalibrationSet set) {
        return Arrays.stream(set.windows()).flatMapToInt(Arrays::stream).boxed().collect(Collectors.toSet());
    }

    @ParameterizedTest
    @EnumSource(Sampling.class)
    void noHeldOutTokenCalibrates(Sampling sampling) {
        CalibrationWindows windows = new CalibrationWindows(16, 100);
        Set<Integer> calibrating = places(
                CalibrationSet.sample("text", HeldOutSet.calibrationPart(TOKENS, windows), windows, sampling, 7));

        HeldOutSet heldOut = HeldOutSet.of(TOKENS, windows, sampling, 7, new CalibrationWindows(8, windows.length()));

        assertThat(heldOut.independent()).isTrue();
        assertThat(heldOut.set().samples()).isEqualTo(8);
        assertThat(heldOut.set().length()).isEqualTo(100);
        assertThat(places(heldOut.set())).hasSize(800).doesNotContainAnyElementsOf(calibrating);
    }

    @Test
    void gapsTooShortForAWindowGiveShorterOnes() {
        CalibrationWindows windows = new CalibrationWindows(60, 100); // strides of 148 leave gaps of 48

        HeldOutSet heldOut =
                HeldOutSet.of(TOKENS, windows, Sampling.STRIDED, 0, new CalibrationWindows(40, windows.length()));

        assertThat(heldOut.independent()).isTrue();
        assertThat(heldOut.set().length()).isEqualTo(25);
        assertThat(heldOut.set().samples()).isGreaterThan(80);
    }

    @Test
    void calibrationThatWouldUseUpTheCorpusLeavesATenth() {
        CalibrationWindows windows = new CalibrationWindows(100, 100);
        Set<Integer> calibrating = places(CalibrationSet.sample(
                "text", HeldOutSet.calibrationPart(TOKENS, windows), windows, Sampling.STRIDED, 0));

        HeldOutSet heldOut =
                HeldOutSet.of(TOKENS, windows, Sampling.STRIDED, 0, new CalibrationWindows(8, windows.length()));

        assertThat(heldOut.independent()).isTrue();
        assertThat(heldOut.set().length()).isEqualTo(100);
        assertThat(places(heldOut.set())).doesNotContainAnyElementsOf(calibrating);
    }

    @Test
    void corpusOfHardlyMoreThanOneWindowIsComparedOnItself() {
        CalibrationWindows windows = new CalibrationWindows(8, TOKENS.length - 10);

        HeldOutSet heldOut = HeldOutSet.of(TOKENS, windows, Sampling.STRIDED, 0, new CalibrationWindows(2, 100));

        assertThat(HeldOutSet.calibrationPart(TOKENS, windows)).hasSameSizeAs(TOKENS);
        assertThat(heldOut.independent()).isFalse();
        assertThat(heldOut.set().samples()).isEqualTo(2);
    }
}
