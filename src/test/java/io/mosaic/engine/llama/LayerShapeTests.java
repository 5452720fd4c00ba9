package io.mosaic.engine.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The arithmetic of a layer's dimensions. */
class LayerShapeTests {
    @Test
    void projectionsHaveTheShapesOfACheckpoint() {
        LayerShape shape = new LayerShape(20, 6, 3, 4, 9);
        assertThat(new int[] {shape.out(Projection.Q), shape.in(Projection.Q)}).containsExactly(24, 20);
        assertThat(new int[] {shape.out(Projection.K), shape.in(Projection.K)}).containsExactly(12, 20);
        assertThat(new int[] {shape.out(Projection.V), shape.in(Projection.V)}).containsExactly(12, 20);
        assertThat(new int[] {shape.out(Projection.O), shape.in(Projection.O)}).containsExactly(20, 24);
        assertThat(new int[] {shape.out(Projection.GATE), shape.in(Projection.GATE)})
                .containsExactly(9, 20);
        assertThat(new int[] {shape.out(Projection.UP), shape.in(Projection.UP)})
                .containsExactly(9, 20);
        assertThat(new int[] {shape.out(Projection.DOWN), shape.in(Projection.DOWN)})
                .containsExactly(20, 9);
        assertThat(shape.parameters()).isEqualTo(480 + 240 + 240 + 480 + 180 + 180 + 180);
        assertThat(shape.headsPerGroup()).isEqualTo(2);
    }

    @Test
    void parametersOfAHugeLayerDoNotOverflow() {
        LayerShape shape = new LayerShape(1 << 17, 1 << 10, 8, 1 << 7, 1 << 19);
        assertThat(shape.parameters(Projection.GATE)).isEqualTo(1L << 36);
        assertThat(shape.parameters()).isEqualTo(2 * (1L << 34) + 2 * (1L << 27) + 3 * (1L << 36));
    }

    @ParameterizedTest
    @MethodSource("io.mosaic.engine.llama.Shapes#odd")
    void readersOfASiteHaveItsWidth(LayerShape shape) {
        for (InputSite site : InputSite.values()) {
            assertThat(site.readers()).isNotEmpty().allSatisfy(reader -> {
                assertThat(reader.site()).isEqualTo(site);
                assertThat(shape.in(reader)).isEqualTo(shape.width(site));
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"0,1,4", "4,0,4", "4,3,4", "4,8,4", "4,2,0"})
    void headsThatDoNotSplitIntoGroupsAreRefused(int heads, int keyValueHeads, int ffn) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LayerShape(8, heads, keyValueHeads, 2, ffn))
                .withMessageContaining(heads + " heads over " + keyValueHeads + " KV heads");
    }
}
