package io.mosaic.server.observability;

import io.mosaic.server.worker.Workers;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Down when a worker thread has died. */
@Component
class WorkersHealthIndicator implements HealthIndicator {
    private final Workers workers;

    WorkersHealthIndicator(Workers workers) {
        this.workers = workers;
    }

    @Override
    public Health health() {
        Health.Builder health = workers.alive() == workers.expected() ? Health.up() : Health.down();
        return health.withDetail("alive", workers.alive())
                .withDetail("expected", workers.expected())
                .build();
    }
}
