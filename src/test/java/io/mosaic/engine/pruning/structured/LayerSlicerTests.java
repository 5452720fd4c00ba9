package io.mosaic.engine.pruning.structured;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import io.mosaic.reference.NaiveStructured;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Heads and channels cut out of a layer, whatever the ratio of query heads to KV heads. */
class LayerSlicerTests {
    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    /** What a layer loses. */
    record Cut(LayerShape from, int heads, int keyValueHeads, int ffn) {
        LayerShape to() {
            return new LayerShape(from.hidden(), heads, keyValueHeads, from.headDim(), ffn);
        }
    }

    static Stream<Cut> cuts() {
        return Stream.of(
                new Cut(new LayerShape(24, 4, 4, 6, 13), 2, 2, 5), // a KV head to each query head
                new Cut(new LayerShape(20, 6, 3, 4, 7), 4, 2, 7), // a whole group
                new Cut(new LayerShape(20, 6, 3, 4, 11), 3, 3, 3), // one head of each group
                new Cut(new LayerShape(15, 12, 3, 4, 11), 12, 3, 1), // channels only
                new Cut(new LayerShape(16, 8, 2, 4, 11), 2, 1, 10), // groups, and heads of those left
                new Cut(new LayerShape(15, 12, 3, 4, 11), 4, 2, 10),
                new Cut(new LayerShape(10, 20, 5, 2, 8), 9, 3, 8),
                new Cut(new LayerShape(18, 4, 1, 6, 17), 2, 1, 9)); // one KV head for all
    }

    static Stream<Arguments> cutsByScore() {
        return cuts().flatMap(cut -> Arrays.stream(StructuredScore.values()).map(score -> Arguments.of(cut, score)));
    }

    private static LayerSlicer.Sliced slice(
            ObservedLayer layer, StructuredScore score, Map<Site, DampedHessian> hessians, LayerShape target) {
        try (InputStatistics statistics = layer.statistics(manager)) {
            return new LayerSlicer(score).slice(manager, layer.weights(), statistics, hessians, target);
        }
    }

    private static int[] kept(LayerSlicer.Sliced sliced, Site site) {
        return Objects.requireNonNull(sliced.keptColumns().get(site));
    }

    /** The dense layer whose o and down do not read the columns that go. */
    private static LayerWeights blinded(LayerWeights layer, LayerSlicer.Sliced sliced) {
        PerMap<float[]> weights = layer.weights();
        for (MapRole reader : new MapRole[] {MapRole.O, MapRole.DOWN}) {
            float[] weight = layer.weight(reader).clone();
            int in = layer.shape().in(reader);
            for (int i = 0; i < weight.length; i++) {
                weight[i] = Arrays.binarySearch(kept(sliced, reader.site()), i % in) < 0 ? 0 : weight[i];
            }
            weights = weights.with(reader, weight);
        }
        return layer.with(weights);
    }

    @ParameterizedTest
    @MethodSource("cutsByScore")
    void slicedLayerGivesWhatTheDenseOneGivesWithoutTheColumnsThatWent(Cut cut, StructuredScore score) {
        ObservedLayer layer = ObservedLayer.of(cut.from(), 2);
        LayerSlicer.Sliced sliced = slice(layer, score, layer.unrelated(manager), cut.to());
        assertThat(sliced.weights().shape()).isEqualTo(cut.to());
        for (MapRole projection : MapRole.values()) {
            assertThat(sliced.weights().weight(projection))
                    .hasSize((int) cut.to().parameters(projection));
        }
        double[][] expected = ObservedLayer.forward(blinded(layer.weights(), sliced), layer.inputs())
                .output();
        double[][] actual =
                ObservedLayer.forward(sliced.weights(), layer.inputs()).output();
        assertThat(NaiveMatrix.distance(actual, expected)).isLessThan(1e-12);
    }

    @ParameterizedTest
    @MethodSource("cutsByScore")
    void compensationBringsBothReadersNearerToTheDenseOutput(Cut cut, StructuredScore score) {
        ObservedLayer layer = ObservedLayer.of(cut.from(), 3);
        LayerSlicer.Sliced sliced = slice(layer, score, layer.hessians(manager), cut.to());
        for (MapRole reader : new MapRole[] {MapRole.O, MapRole.DOWN}) {
            int[] kept = kept(sliced, reader.site());
            double[][] x = layer.x(reader.site());
            double[][] left = NaiveMatrix.at(x, IntStream.range(0, x.length).toArray(), kept);
            double[][] dense = output(x, NaiveStructured.weight(layer.weights(), reader));
            double[][] plain = output(x, NaiveStructured.weight(blinded(layer.weights(), sliced), reader));
            double[][] compensated = output(left, NaiveStructured.weight(sliced.weights(), reader));
            if (kept.length == x[0].length) {
                assertThat(squaredError(compensated, dense)).isZero();
            } else {
                assertThat(squaredError(compensated, dense)).as(reader.label()).isLessThan(squaredError(plain, dense));
            }
        }
    }

    private static double[][] output(double[][] x, double[][] weight) {
        return NaiveMatrix.multiply(x, NaiveMatrix.transpose(weight));
    }

    private static double squaredError(double[][] actual, double[][] expected) {
        double error = 0;
        for (int t = 0; t < expected.length; t++) {
            for (int j = 0; j < expected[t].length; j++) {
                error += (actual[t][j] - expected[t][j]) * (actual[t][j] - expected[t][j]);
            }
        }
        return error;
    }

    @ParameterizedTest
    @MethodSource("cutsByScore")
    void keptColumnsAreWholeUnitsAndEqualPartsOfEachGroup(Cut cut, StructuredScore score) {
        ObservedLayer layer = ObservedLayer.of(cut.from(), 4);
        LayerSlicer.Sliced sliced = slice(layer, score, layer.hessians(manager), cut.to());
        for (Site site : new Site[] {Site.ATTENTION_INPUT, Site.MLP_INPUT}) {
            assertThat(kept(sliced, site))
                    .isEqualTo(IntStream.range(0, cut.from().hidden()).toArray());
        }
        assertThat(kept(sliced, Site.MLP_HIDDEN)).hasSize(cut.ffn()).isSorted().doesNotHaveDuplicates();
        int dim = cut.from().headDim();
        int[] joined = kept(sliced, Site.ATTENTION_OUTPUT);
        assertThat(joined).hasSize(cut.heads() * dim).isSorted().doesNotHaveDuplicates();
        int[] perGroup = new int[cut.from().keyValueHeads()];
        for (int i = 0; i < joined.length; i++) {
            assertThat(joined[i] % dim).isEqualTo(i % dim);
            perGroup[joined[i] / dim / cut.from().headsPerGroup()]++;
        }
        assertThat(Arrays.stream(perGroup).filter(columns -> columns > 0))
                .hasSize(cut.keyValueHeads())
                .containsOnly(cut.to().headsPerGroup() * dim);
    }

    /** Groups first; then heads, as if the groups that went had never been there. */
    @ParameterizedTest
    @MethodSource("cuts")
    void obsTakesTheUnitsThatCostLeastAfterWhatHasGone(Cut cut) {
        LayerShape shape = cut.from();
        ObservedLayer layer = ObservedLayer.of(shape, 5);
        LayerSlicer.Sliced sliced = slice(layer, StructuredScore.OBS, layer.hessians(manager), cut.to());
        assertThat(kept(sliced, Site.MLP_HIDDEN))
                .isEqualTo(NaiveStructured.obs(
                        NaiveStructured.weight(layer.weights(), MapRole.DOWN),
                        layer.hessian(Site.MLP_HIDDEN),
                        1,
                        shape.ffn(),
                        cut.ffn()));
        double[][] weight = NaiveStructured.weight(layer.weights(), MapRole.O);
        double[][] hessian = layer.hessian(Site.ATTENTION_OUTPUT);
        int width = shape.headsPerGroup() * shape.headDim();
        int[] groups =
                columns(NaiveStructured.obs(weight, hessian, width, shape.keyValueHeads(), cut.keyValueHeads()), width);
        int[] heads = NaiveStructured.obs(
                NaiveStructured.ridge(weight, hessian, groups),
                NaiveMatrix.at(hessian, groups, groups),
                shape.headDim(),
                shape.headsPerGroup(),
                cut.to().headsPerGroup());
        int[] expected = IntStream.of(columns(heads, shape.headDim()))
                .map(column -> groups[column])
                .toArray();
        assertThat(kept(sliced, Site.ATTENTION_OUTPUT)).isEqualTo(expected);
    }

    private static int[] columns(int[] units, int size) {
        return IntStream.of(units)
                .flatMap(unit -> IntStream.range(unit * size, (unit + 1) * size))
                .toArray();
    }

    @ParameterizedTest
    @MethodSource("cuts")
    void fixedScoresKeepTheHighestGroupsAndTheHighestHeadsOfEach(Cut cut) {
        LayerShape shape = cut.from();
        ObservedLayer layer = ObservedLayer.of(shape, 6);
        int dim = shape.headDim();
        double[] variances = NaiveStatistics.variances(layer.x(Site.ATTENTION_OUTPUT));
        double[] ofHeads = IntStream.range(0, shape.heads())
                .mapToDouble(head -> NaiveStructured.fluctuation(
                        layer.weights(), MapRole.O, variances, head * dim, (head + 1) * dim))
                .toArray();
        int per = shape.headsPerGroup();
        double[] ofGroups = IntStream.range(0, shape.keyValueHeads())
                .mapToDouble(group ->
                        Arrays.stream(ofHeads, group * per, (group + 1) * per).sum())
                .toArray();
        int[] heads = IntStream.of(NaiveStructured.highest(ofGroups, cut.keyValueHeads()))
                .flatMap(group -> IntStream.of(NaiveStructured.highest(
                                Arrays.copyOfRange(ofHeads, group * per, (group + 1) * per),
                                cut.to().headsPerGroup()))
                        .map(head -> group * per + head))
                .toArray();
        LayerSlicer.Sliced sliced = slice(layer, StructuredScore.FLUCTUATION, layer.hessians(manager), cut.to());
        assertThat(kept(sliced, Site.ATTENTION_OUTPUT)).isEqualTo(columns(heads, dim));
    }

    @ParameterizedTest
    @MethodSource("cuts")
    void slicingLeavesTheDenseLayerAlone(Cut cut) {
        ObservedLayer layer = ObservedLayer.of(cut.from(), 7);
        List<float[]> before = Arrays.stream(MapRole.values())
                .map(projection -> layer.weights().weight(projection).clone())
                .toList();
        slice(layer, StructuredScore.OBS, layer.hessians(manager), cut.to());
        for (MapRole projection : MapRole.values()) {
            assertThat(layer.weights().weight(projection)).isEqualTo(before.get(projection.ordinal()));
        }
    }
}
