package io.mosaic.engine;

import java.util.Optional;

/**
 * Stores measurements of dense models by the hash of everything they depend on, so that one measurement serves every
 * target and category.
 *
 * @param <T> the measurement
 */
public interface MeasurementStore<T> {
    Optional<T> find(String key);

    void save(String key, T measurement);
}
