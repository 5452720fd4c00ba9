package io.mosaic.server.device;

import java.util.Optional;
import org.springframework.boot.context.properties.ConfigurationProperties;

/** @param cpuWorkers jobs that run on the CPU at a time; by default one where there is no GPU, else none */
@ConfigurationProperties("mosaic.worker")
record DeviceProperties(Optional<Integer> cpuWorkers) {
    DeviceProperties {
        if (cpuWorkers.filter(workers -> workers < 0).isPresent()) {
            throw new IllegalArgumentException("mosaic.worker.cpu-workers is negative: " + cpuWorkers.get());
        }
    }
}
