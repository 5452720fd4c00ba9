package io.mosaic.engine.architecture;

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
        assertThat(new int[] {shape.out(MapRole.Q), shape.in(MapRole.Q)}).containsExactly(24, 20);
        assertThat(new int[] {shape.out(MapRole.K), shape.in(MapRole.K)}).containsExactly(12, 20);
        assertThat(new int[] {shape.out(MapRole.V), shape.in(MapRole.V)}).containsExactly(12, 20);
        assertThat(new int[] {shape.out(MapRole.O), shape.in(MapRole.O)}).containsExactly(20, 24);
        assertThat(new int[] {shape.out(MapRole.GATE), shape.in(MapRole.GATE)}).containsExactly(9, 20);
        assertThat(new int[] {shape.out(MapRole.UP), shape.in(MapRole.UP)}).containsExactly(9, 20);
        assertThat(new int[] {shape.out(MapRole.DOWN), shape.in(MapRole.DOWN)}).containsExactly(20, 9);
        assertThat(shape.parameters()).isEqualTo(480 + 240 + 240 + 480 + 180 + 180 + 180);
        assertThat(shape.headsPerGroup()).isEqualTo(2);
    }

    @Test
    void parametersOfAHugeLayerDoNotOverflow() {
        LayerShape shape = new LayerShape(1 << 17, 1 << 10, 8, 1 << 7, 1 << 19);
        assertThat(shape.parameters(MapRole.GATE)).isEqualTo(1L << 36);
        assertThat(shape.parameters()).isEqualTo(2 * (1L << 34) + 2 * (1L << 27) + 3 * (1L << 36));
    }

    @ParameterizedTest
    @MethodSource("io.mosaic.fixture.TinyLlama#oddShapes")
    void readersOfASiteHaveItsWidth(LayerShape shape) {
        for (Site site : Site.values()) {
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
