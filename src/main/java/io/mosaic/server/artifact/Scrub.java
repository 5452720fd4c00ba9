package io.mosaic.server.artifact;

import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelFile;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** Compares the files of published models with the hashes recorded at publication. */
@Component
class Scrub {
    private static final Logger log = LoggerFactory.getLogger(Scrub.class);

    private final JdbcClient jdbc;
    private final ModelCatalog catalog;
    private final Artifacts artifacts;
    private final ScrubProperties properties;
    private final Roles roles;

    Scrub(JdbcClient jdbc, ModelCatalog catalog, Artifacts artifacts, ScrubProperties properties, Roles roles) {
        this.jdbc = jdbc;
        this.catalog = catalog;
        this.artifacts = artifacts;
        this.properties = properties;
        this.roles = roles;
    }

    /** What has happened to a file since it was published. */
    enum Condition {
        INTACT,
        CHANGED,
        MISSING,
        UNREADABLE
    }

    /** @param sha256 as published */
    record VerifiedFile(String path, long bytes, String sha256, Condition condition) {}

    /** @param intact whether every file is as published */
    record Verification(String model, boolean intact, List<VerifiedFile> files) {}

    /** Reads every published byte of a model again; files added by hand have no hash to compare with. */
    Verification verify(ModelCatalog.Entry model) {
        Map<String, ModelFile> present = model.files().stream()
                .collect(Collectors.toMap(
                        ModelFile::path, Function.identity(), (one, other) -> one, LinkedHashMap::new));
        List<VerifiedFile> files = artifacts.published(model).stream()
                .map(file -> new VerifiedFile(
                        file.path(),
                        file.bytes(),
                        file.sha256(),
                        condition(file, Optional.ofNullable(present.get(file.path())), model.folder())))
                .toList();
        List<String> faults = files.stream()
                .filter(file -> file.condition() != Condition.INTACT)
                .map(file -> file.path() + " " + file.condition())
                .toList();
        if (!faults.isEmpty()) {
            log.error("Model {} is corrupt: {}", model.id(), faults);
        }
        model.madeBy().ifPresent(row -> record(model.id(), row.jobId(), faults));
        return new Verification(model.id().toString(), faults.isEmpty(), files);
    }

    /** @param job that made the verified model; a model deleted and made again meanwhile has another job */
    private void record(ModelId id, UUID job, List<String> faults) {
        jdbc.sql(
                        "update model set verified_at = clock_timestamp(), corrupt = :corrupt where id = :id and job_id = :job")
                .param("corrupt", faults.isEmpty() ? null : String.join(", ", faults))
                .param("id", id.toString())
                .param("job", job)
                .update();
    }

    private static Condition condition(Artifacts.Published published, Optional<ModelFile> found, Path folder) {
        if (found.isEmpty()) {
            return Condition.MISSING;
        }
        try {
            boolean same = found.get().bytes() == published.bytes()
                    && Hashes.files(List.of(folder.resolve(published.path()))).equals(published.sha256());
            return same ? Condition.INTACT : Condition.CHANGED;
        } catch (MosaicException e) {
            log.error("{} cannot be read: {}", published.path(), e.detail());
            return Condition.UNREADABLE;
        }
    }

    /**
     * Verifies the models not verified for an interval, one after the other; if several processes have a model, one of
     * them takes it. A copy of an original in the object store is verified only where it exists; any other model is in
     * this home or missing.
     */
    @Scheduled(initialDelayString = "PT1M", fixedDelayString = "PT1M")
    void scrub() {
        if (!roles.has(Role.WORKER) || properties.interval().isZero()) {
            return;
        }
        try {
            for (Optional<Due> due = takeDue(); due.isPresent(); due = takeDue()) {
                verify(due.get());
            }
        } catch (DataAccessException e) {
            log.warn("Models were not verified: {}", e.getMessage());
        }
    }

    private record Due(ModelId id, UUID job) {}

    private void verify(Due due) {
        try {
            catalog.find(due.id()).ifPresentOrElse(this::verify, () -> {
                log.error("The folder of model {} is missing", due.id());
                record(due.id(), due.job(), List.of("its folder " + Condition.MISSING));
            });
        } catch (MosaicException e) {
            log.warn("Model {} was not verified: {}", due.id(), e.detail());
        }
    }

    /** A model that no process has taken; if verifying it gives no result, it is due again within an hour. */
    private Optional<Due> takeDue() {
        String here = catalog.ids().stream().map(ModelId::toString).collect(Collectors.joining(","));
        return jdbc.sql("""
                        update model
                           set verified_at = clock_timestamp()
                               - greatest(0, :interval - 3600000) * interval '1 millisecond'
                         where id = (select id from model
                                      where coalesce(verified_at, created_at)
                                          < clock_timestamp() - :interval * interval '1 millisecond'
                                        and (location is null or id = any (string_to_array(:here, ',')))
                                      order by coalesce(verified_at, created_at)
                                        for update skip locked
                                      limit 1)
                        returning id, job_id
                        """)
                .param("interval", properties.interval().toMillis())
                .param("here", here)
                .query((row, number) ->
                        new Due(ModelId.parse(row.getString("id")).orElseThrow(), row.getObject("job_id", UUID.class)))
                .optional();
    }
}
