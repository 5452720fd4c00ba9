package io.mosaic.engine.pruning.structured;

/**
 * The columns of a site, grouped in units that are kept or removed whole (heads, KV groups, channels), in partitions
 * that each keep the same number.
 *
 * @param size columns of one unit
 * @param keepPerPartition units to keep in each partition
 */
public record Units(int size, int partitions, int perPartition, int keepPerPartition) {
    /** Units in a single partition. */
    public static Units whole(int size, int units, int keep) {
        return new Units(size, 1, units, keep);
    }

    public int count() {
        return partitions * perPartition;
    }

    public int toRemove() {
        return partitions * (perPartition - keepPerPartition);
    }

    int partition(int unit) {
        return unit / perPartition;
    }

    /** The columns of the kept units, ascending. */
    public int[] columns(int[] keptUnits) {
        int[] columns = new int[keptUnits.length * size];
        for (int i = 0; i < columns.length; i++) {
            columns[i] = keptUnits[i / size] * size + i % size;
        }
        return columns;
    }
}
