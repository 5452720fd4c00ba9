package io.mosaic.engine.pruning.structured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import io.mosaic.reference.NaiveStructured;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Scores against sums over the rows and columns that go with a unit. */
class GroupScoresTests {
    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    /** 1, 2 and 4 query heads to a KV head, and one KV head for all. */
    static Stream<LayerShape> shapes() {
        return Stream.of(
                new LayerShape(15, 3, 3, 4, 11),
                new LayerShape(20, 6, 3, 4, 7),
                new LayerShape(10, 8, 2, 6, 13),
                new LayerShape(24, 3, 1, 10, 17));
    }

    private static double[] scores(ObservedLayer layer, StructuredScore score, Site site, Units units) {
        try (InputStatistics statistics = layer.statistics(manager)) {
            return new GroupScores(layer.weights(), statistics)
                    .of(
                            score,
                            site,
                            units,
                            IntStream.range(0, layer.shape().width(site)).toArray());
        }
    }

    private static void near(double[] actual, IntToDoubleFunction expected) {
        double[][] all = {
            IntStream.range(0, actual.length).mapToDouble(expected).toArray()
        };
        assertThat(NaiveMatrix.distance(new double[][] {actual}, all)).isLessThan(1e-5);
    }

    private static NaiveStructured.Scores naive(ObservedLayer layer, StructuredScore score) {
        Map<Site, double[]> norms = new EnumMap<>(Site.class);
        for (Site site : Site.values()) {
            double[] ones = new double[layer.shape().width(site)];
            Arrays.fill(ones, 1);
            norms.put(site, score == StructuredScore.WANDA ? NaiveStatistics.norms(layer.x(site), 1) : ones);
        }
        return new NaiveStructured.Scores(layer.weights(), norms);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void wandaAndMagnitudeCountEveryWeightThatGoesWithTheUnit(LayerShape shape) {
        ObservedLayer layer = ObservedLayer.of(shape, 3);
        Units groups = Units.whole(shape.headsPerGroup() * shape.headDim(), shape.keyValueHeads(), 1);
        Units channels = Units.whole(1, shape.ffn(), 1);
        for (StructuredScore score : new StructuredScore[] {StructuredScore.WANDA, StructuredScore.MAGNITUDE}) {
            near(scores(layer, score, Site.ATTENTION_OUTPUT, groups), naive(layer, score)::group);
            near(scores(layer, score, Site.MLP_HIDDEN, channels), naive(layer, score)::channel);
        }
    }

    /** Heads of a group share its k and v, so together they score what the group scores. */
    @ParameterizedTest
    @MethodSource("shapes")
    void headsOfAGroupScoreTogetherWhatTheGroupScores(LayerShape shape) {
        ObservedLayer layer = ObservedLayer.of(shape, 3);
        int perGroup = shape.headsPerGroup();
        Units heads = new Units(shape.headDim(), shape.keyValueHeads(), perGroup, 1);
        Units groups = Units.whole(perGroup * shape.headDim(), shape.keyValueHeads(), 1);
        for (StructuredScore score :
                new StructuredScore[] {StructuredScore.WANDA, StructuredScore.MAGNITUDE, StructuredScore.FLUCTUATION}) {
            double[] each = scores(layer, score, Site.ATTENTION_OUTPUT, heads);
            near(
                    scores(layer, score, Site.ATTENTION_OUTPUT, groups),
                    group -> IntStream.range(group * perGroup, (group + 1) * perGroup)
                            .mapToDouble(head -> each[head])
                            .sum());
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void fluctuationIsVarianceTimesSquaredColumnNorm(LayerShape shape) {
        ObservedLayer layer = ObservedLayer.of(shape, 3);
        int dim = shape.headDim();
        double[] joined = NaiveStatistics.variances(layer.x(Site.ATTENTION_OUTPUT));
        double[] hidden = NaiveStatistics.variances(layer.x(Site.MLP_HIDDEN));
        Units heads = new Units(dim, shape.keyValueHeads(), shape.headsPerGroup(), 1);
        near(
                scores(layer, StructuredScore.FLUCTUATION, Site.ATTENTION_OUTPUT, heads),
                head -> NaiveStructured.fluctuation(layer.weights(), MapRole.O, joined, head * dim, (head + 1) * dim));
        near(
                scores(layer, StructuredScore.FLUCTUATION, Site.MLP_HIDDEN, Units.whole(1, shape.ffn(), 1)),
                channel -> NaiveStructured.fluctuation(layer.weights(), MapRole.DOWN, hidden, channel, channel + 1));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "OBS")
    void highestStayInEachPartition(StructuredScore score) {
        LayerShape shape = new LayerShape(10, 12, 3, 6, 13);
        Units heads = new Units(6, 3, 4, 2);
        double[] scores = scores(ObservedLayer.of(shape, 5), score, Site.ATTENTION_OUTPUT, heads);
        int[] expected = IntStream.range(0, 3)
                .flatMap(group -> Arrays.stream(
                                NaiveStructured.highest(Arrays.copyOfRange(scores, 4 * group, 4 * group + 4), 2))
                        .map(head -> 4 * group + head))
                .toArray();
        assertThat(UnitSelector.keepHighest(heads, scores)).isEqualTo(expected);
    }

    @Test
    void unitsOfSomeColumnsScoreAsTheyDoAmongAll() {
        LayerShape shape = new LayerShape(10, 6, 3, 4, 13);
        ObservedLayer layer = ObservedLayer.of(shape, 5);
        int[] lastAndFirstHead = {20, 21, 22, 23, 0, 1, 2, 3};
        double[] all = scores(layer, StructuredScore.WANDA, Site.ATTENTION_OUTPUT, new Units(4, 3, 2, 1));
        try (InputStatistics statistics = layer.statistics(manager)) {
            assertThat(new GroupScores(layer.weights(), statistics)
                            .of(StructuredScore.WANDA, Site.ATTENTION_OUTPUT, Units.whole(4, 2, 1), lastAndFirstHead))
                    .containsExactly(all[5], all[0]);
        }
    }

    @Test
    void obsHasNoScoreThatDoesNotDependOnWhatElseGoes() {
        ObservedLayer layer = ObservedLayer.of(new LayerShape(10, 2, 1, 6, 13), 5);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> scores(layer, StructuredScore.OBS, Site.MLP_HIDDEN, Units.whole(1, 13, 4)));
    }
}
