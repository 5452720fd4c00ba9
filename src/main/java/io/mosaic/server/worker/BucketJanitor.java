package io.mosaic.server.worker;

import io.mosaic.engine.MosaicException;
import io.mosaic.server.model.Originals;
import io.mosaic.server.role.ConditionalOnRole;
import io.mosaic.server.role.Role;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/**
 * Removes from the object store the remains of attempts that never became a model, and models whose deletion was
 * interrupted. Touches only folders named as attempts of jobs that this database knows to have ended.
 */
@Component
@ConditionalOnRole(Role.WORKER)
class BucketJanitor {
    private static final Logger log = LoggerFactory.getLogger(BucketJanitor.class);

    private final Originals originals;

    BucketJanitor(Originals originals) {
        this.originals = originals;
    }

    @Scheduled(initialDelay = 1, fixedDelay = 60, timeUnit = TimeUnit.MINUTES)
    void clean() {
        try {
            // listed before the database is queried: a job that has ended by then without a row never gets one
            originals.locations().stream().filter(originals::abandoned).forEach(attempt -> {
                log.info("Removing {} from the object store, which no model needs", attempt);
                originals.delete(attempt);
            });
        } catch (DataAccessException | MosaicException e) {
            log.warn("The object store was not tidied: {}", e.getMessage());
        }
    }
}
