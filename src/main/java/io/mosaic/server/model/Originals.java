package io.mosaic.server.model;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.server.objects.ObjectStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * The originals of jobs' models in the object store; a home holds copies of them. Without a configured store there are
 * no originals, only the folders of the home.
 */
@Component
public class Originals {
    private static final Logger log = LoggerFactory.getLogger(Originals.class);

    /** Folder and file names without a leading dot: no path leads elsewhere, and none is hidden in a home. */
    private static final Pattern PATH = Pattern.compile("[^./\\\\\0][^/\\\\\0]*(?:/[^./\\\\\0][^/\\\\\0]*)*");

    private final Optional<ObjectStore> objects;
    private final ModelStore store;
    private final JdbcClient jdbc;
    private final Map<ModelId, Lock> fetches = new ConcurrentHashMap<>();

    Originals(Optional<ObjectStore> objects, ModelStore store, JdbcClient jdbc) {
        this.objects = objects;
        this.store = store;
        this.jdbc = jdbc;
    }

    /** A file as published with its model. */
    public record OriginalFile(String model, String path, long bytes, Instant modifiedAt, String sha256) {}

    /** Whether models are kept in an object store. */
    public boolean kept() {
        return objects.isPresent();
    }

    /** Whether clients load models that are not in this home from the store itself. */
    public boolean presigned() {
        return objects.filter(ObjectStore::presigns).isPresent();
    }

    /** A signed URL by which a client may load a file. */
    public URI presign(Location original, String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        return objects.orElseThrow().presign(original.key(path), name);
    }

    /** Puts a file of a model into the store; the model stays invisible until a row names its location. */
    public void upload(Location original, Path folder, String path, String sha256) {
        objects.orElseThrow().upload(folder.resolve(path), original.key(path), sha256);
    }

    /** Removes a model from the store. If that fails, the rest is removed when the store is tidied. */
    public void delete(Location original) {
        objects.ifPresent(from -> {
            try {
                from.deleteAll(original.folder());
            } catch (MosaicException e) {
                log.warn("{} stays for now: {}", original, e.detail());
            }
        });
    }

    /** Every folder in the object store that is named like a model's. */
    public List<Location> locations() {
        return objects.map(Originals::locations).orElse(List.of());
    }

    private static List<Location> locations(ObjectStore objects) {
        return objects.folders("").stream()
                .flatMap(namespace -> objects.folders(namespace).stream())
                .filter(model -> ModelId.parse(name(model)).isPresent())
                .flatMap(model -> objects.folders(model).stream())
                .flatMap(attempt -> Location.parse(name(attempt)).stream())
                .toList();
    }

    private static String name(String folder) {
        return folder.substring(0, folder.length() - 1);
    }

    /** The files of all models that have an original. */
    List<OriginalFile> files() {
        return jdbc.sql("""
                        select a.model, a.path, a.bytes, a.modified_at, a.sha256
                          from artifact a join model m on m.id = a.model
                         where m.location is not null
                         order by a.model, a.path
                        """).query(OriginalFile.class).list();
    }

    /** The files of a model; empty if the model is not, or no longer, there. */
    List<OriginalFile> files(Location original) {
        return jdbc.sql("""
                        select a.model, a.path, a.bytes, a.modified_at, a.sha256
                          from artifact a join model m on m.id = a.model
                         where m.id = :model and m.location = :location
                         order by a.path
                        """)
                .param("model", original.model().toString())
                .param("location", original.toString())
                .query(OriginalFile.class)
                .list();
    }

    /**
     * Whether no model is there nor ever will be: its job has ended, and its row is missing or names another location.
     */
    public boolean abandoned(Location original) {
        return jdbc.sql("""
                        select exists (select 1 from job
                                        where id = :job and state in ('SUCCEEDED', 'FAILED', 'CANCELLED'))
                           and not exists (select 1 from model where id = :model and location = :location)
                        """)
                .param("job", original.job())
                .param("model", original.model().toString())
                .param("location", original.toString())
                .query(Boolean.class)
                .single();
    }

    /** Whether a folder of this home is a copy of a deleted original. */
    boolean stale(ModelId id) {
        return stale(id, Optional.empty());
    }

    /** @param known the model's location, if the caller knows it; saves a query */
    boolean stale(ModelId id, Optional<Location> known) {
        return kept()
                && store.original(id)
                        .filter(original -> original.model().equals(id)) // else copied by hand under another name
                        .filter(original -> !known.equals(Optional.of(original)) && abandoned(original))
                        .isPresent();
    }

    /** Removes copies without an original: models deleted elsewhere, attempts that failed to commit. */
    public void removeStaleCopies() {
        if (kept()) {
            store.ids().forEach(this::removeStaleCopy);
        }
    }

    /** Frees a model's name if a stale copy has it. */
    public void removeStaleCopy(ModelId id) {
        if (stale(id)) {
            log.info("Removing the copy of {}, whose original has gone", id);
            store.remove(id);
        }
    }

    /**
     * Copies a model into this home; does nothing if it is already here, or no longer in the store.
     *
     * @throws MosaicException MODEL_CORRUPT, IO_ERROR
     */
    void fetch(Location original) {
        if (!kept()) {
            return;
        }
        Lock lock = fetches.computeIfAbsent(original.model(), id -> new ReentrantLock());
        lock.lock();
        try {
            if (!present(original.model())) {
                fetchAlone(original);
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean present(ModelId id) {
        return store.folder(id).isPresent() && !stale(id);
    }

    /** Copies a model that no other thread of this process is copying; another process that shares the home may be. */
    private void fetchAlone(Location original) {
        List<OriginalFile> files = files(original);
        if (files.isEmpty()) {
            return;
        }
        log.info("Fetching {}", original);
        Path staged = store.stageCopy();
        try {
            for (OriginalFile file : files) {
                receive(original, file, staged);
            }
            store.sign(staged, original.job());
            store.note(staged, original);
            store.seal(staged);
            removeStaleCopy(original.model());
            store.publish(staged, original.model(), false);
        } catch (MosaicException e) {
            boolean needless = present(original.model()) || files(original).isEmpty();
            if (!needless) { // neither was another process faster, nor was the model deleted meanwhile
                throw e;
            }
        } finally {
            store.discard(staged.getFileName().toString());
        }
    }

    private void receive(Location original, OriginalFile file, Path folder) {
        if (!PATH.matcher(file.path()).matches()) {
            throw new MosaicException(
                    ErrorCode.MODEL_CORRUPT,
                    "The database lists a file of " + original.model() + " that is none: " + file.path());
        }
        Path target = folder.resolve(file.path());
        try {
            Files.createDirectories(target.getParent());
            String found = objects.orElseThrow().fetch(original.key(file.path()), target);
            if (!found.equals(file.sha256())) {
                throw new MosaicException(
                        ErrorCode.MODEL_CORRUPT,
                        file.path() + " of " + original.model() + " in the object store is not the file that was"
                                + " published: it has SHA-256 " + found + ", not " + file.sha256());
            }
            // so that the stored hash applies to this state of the file
            Files.setLastModifiedTime(target, FileTime.from(file.modifiedAt()));
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot write " + target + ": " + e.getMessage(), e);
        }
    }
}
