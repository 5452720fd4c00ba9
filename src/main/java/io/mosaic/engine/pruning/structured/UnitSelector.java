package io.mosaic.engine.pruning.structured;

import java.util.Comparator;
import java.util.stream.IntStream;

/** Chooses units by fixed scores: the highest in each partition stay. */
final class UnitSelector {
    private UnitSelector() {}

    /** Kept units, ascending. */
    static int[] keepHighest(Units units, double[] scores) {
        return IntStream.range(0, units.partitions())
                .flatMap(partition -> IntStream.range(0, units.perPartition())
                        .map(i -> partition * units.perPartition() + i)
                        .boxed()
                        .sorted(Comparator.comparingDouble((Integer unit) -> -scores[unit]))
                        .limit(units.keepPerPartition())
                        .mapToInt(Integer::intValue))
                .sorted()
                .toArray();
    }
}
