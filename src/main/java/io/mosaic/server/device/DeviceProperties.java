package io.mosaic.server.device;

import java.util.Optional;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The resources that jobs may use.
 *
 * @param cpuWorkers number of jobs that run on the CPU at a time; by default one where there is no GPU, else none
 * @param activationMemory memory of one stream of activations; a larger one is kept in a file beside the staged model
 */
@ConfigurationProperties("mosaic.worker")
record DeviceProperties(
        Optional<Integer> cpuWorkers, @DefaultValue("2GB") DataSize activationMemory) {
    DeviceProperties {
        if (cpuWorkers.filter(workers -> workers < 0).isPresent()) {
            throw new IllegalArgumentException("mosaic.worker.cpu-workers is negative: " + cpuWorkers.get());
        }
    }
}
