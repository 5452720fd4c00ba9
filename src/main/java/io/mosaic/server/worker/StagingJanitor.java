package io.mosaic.server.worker;

import io.mosaic.server.model.ModelStore;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Removes, at start, what killed workers left half-written. */
@Component
class StagingJanitor {
    private static final Logger log = LoggerFactory.getLogger(StagingJanitor.class);

    private final JdbcClient jdbc;
    private final ModelStore store;

    StagingJanitor(JdbcClient jdbc, ModelStore store) {
        this.jdbc = jdbc;
        this.store = store;
    }

    @EventListener(ApplicationStartedEvent.class)
    void clean() {
        // listed before the jobs are: what a worker stages meanwhile is not in the list
        Set<String> staged = Set.copyOf(store.staged());
        Set<String> alive = jdbc
                .sql("select id || '-' || attempt from job where state = 'RUNNING' and lease_until > clock_timestamp()")
                .query(String.class)
                .list()
                .stream()
                .collect(Collectors.toSet());
        staged.stream().filter(name -> !alive.contains(attempt(name))).forEach(name -> {
            log.info("Removing {}, which no running job writes", name);
            store.discard(name);
        });
    }

    /** Each attempt stages one folder per model. */
    private static String attempt(String staged) {
        return staged.substring(0, Math.max(0, staged.lastIndexOf('-')));
    }
}
