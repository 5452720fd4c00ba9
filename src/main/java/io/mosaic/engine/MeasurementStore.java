package io.mosaic.engine;

import java.util.Optional;

/**
 * Keeps what was measured on a dense model by the hash of everything that it depends on, so that one measurement serves
 * every target and category.
 *
 * @param <T> the measurement
 */
public interface MeasurementStore<T> {
    Optional<T> find(String key);

    void save(String key, T measurement);
}
