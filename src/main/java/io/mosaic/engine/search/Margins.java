package io.mosaic.engine.search;

import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** A table whose rows and columns add up to given sums. */
final class Margins {
    /** The smallest sum: noise can make a measured one zero or negative. */
    static final double LEAST = 1e-9;

    private static final int ROUNDS = 50;

    private Margins() {}

    /**
     * The table nearest to a first guess, by iterative proportional fitting (Deming and Stephan, 1940).
     *
     * @param guess a row per layer, a column per kind of projection; only ratios count
     * @param rows the sum of each layer
     * @param columns the sum of each kind, in units of their own: they are scaled to the total of the rows
     */
    static List<PerMap<Double>> fit(List<PerMap<Double>> guess, double[] rows, PerMap<Double> columns) {
        List<PerMap<Double>> table = new ArrayList<>(guess);
        table.replaceAll(row -> row.map(value -> Math.max(value, LEAST)));
        double total = DoubleStream.of(rows).sum();
        double ofColumns =
                columns.values().stream().mapToDouble(Double::doubleValue).sum();
        for (int round = 0; round < ROUNDS; round++) {
            PerMap<Double> scales = columns.map((role, sum) -> sum * total / ofColumns / column(table, role));
            table.replaceAll(row -> row.map((role, value) -> value * scales.get(role)));
            for (int layer = 0; layer < rows.length; layer++) {
                double scale = rows[layer]
                        / table.get(layer).values().stream()
                                .mapToDouble(Double::doubleValue)
                                .sum();
                table.set(layer, table.get(layer).map(value -> value * scale));
            }
        }
        return table;
    }

    private static double column(List<PerMap<Double>> table, MapRole role) {
        return table.stream().mapToDouble(row -> row.get(role)).sum();
    }
}
