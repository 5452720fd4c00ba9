package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Exactly k scores, whatever their ties. */
class ZeroMaskTests {
    @Provide
    Arbitrary<float[]> scores() {
        return Arbitraries.oneOf(
                        Arbitraries.of(-1f, 0f, 0.5f, 1f, Float.POSITIVE_INFINITY),
                        Arbitraries.floats().between(-1, 10))
                .array(float[].class)
                .ofMinSize(1)
                .ofMaxSize(100);
    }

    /** A stable sort's first k, so of equal scores those that come first. */
    @Property
    void marksTheFirstOfAStableSort(@ForAll("scores") float[] scores, @ForAll @IntRange(max = 100) int k) {
        int[] expected = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> scores[i] + 0.0)) // −0 equals 0
                .limit(k)
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
        float[] mask = ZeroMask.smallest(scores, k);
        assertThat(IntStream.range(0, scores.length).filter(i -> mask[i] == 1).toArray())
                .isEqualTo(expected);
    }
}
