package io.mosaic.server.model;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.ConfigReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * The models in this home, made by jobs or added by hand. Folders are listed on every call; their headers are read
 * again only when a file changed. Models in the object store are copied here on first use.
 */
@Component
public class ModelCatalog {
    private final ModelStore store;
    private final PrunedModelRepository pruned;
    private final Originals originals;
    private final TransactionTemplate transaction;
    private final Map<ModelId, Reading> readings = new ConcurrentHashMap<>();

    ModelCatalog(
            ModelStore store,
            PrunedModelRepository pruned,
            Originals originals,
            PlatformTransactionManager transactions) {
        this.store = store;
        this.pruned = pruned;
        this.originals = originals;
        this.transaction = new TransactionTemplate(transactions);
    }

    /** The contents of a folder's headers when its files had this stamp. */
    private record Reading(String stamp, Optional<ModelFacts> facts, Optional<MosaicException> fault) {}

    /**
     * A model folder with its facts or its fault.
     *
     * @param madeBy the row of the model, if a job made it
     */
    public record Entry(
            ModelId id,
            Path folder,
            List<ModelFile> files,
            Optional<ModelFacts> facts,
            Optional<MosaicException> fault,
            Optional<PrunedModel> madeBy) {
        public long bytes() {
            return files.stream().mapToLong(ModelFile::bytes).sum();
        }

        /** The facts of a faultless model. */
        public ModelFacts requireFacts() {
            fault.ifPresent(e -> {
                throw e;
            });
            return facts.orElseThrow();
        }
    }

    /** A model in the object store but not in this home. */
    public record Elsewhere(PrunedModel madeBy, Location original, List<Originals.OriginalFile> files) {
        public long bytes() {
            return files.stream().mapToLong(Originals.OriginalFile::bytes).sum();
        }
    }

    /** The models in this home, in order of id. */
    public List<Entry> list() {
        Map<String, PrunedModel> rows =
                pruned.findAll().stream().collect(Collectors.toMap(PrunedModel::id, Function.identity()));
        List<ModelId> ids = store.ids();
        readings.keySet().retainAll(ids);
        return ids.stream()
                .flatMap(id -> entry(id, Optional.ofNullable(rows.get(id.toString()))).stream())
                .toList();
    }

    /** The models in the object store but not in this home. */
    public List<Elsewhere> elsewhere() {
        if (!originals.kept()) {
            return List.of();
        }
        Map<String, List<Originals.OriginalFile>> files =
                originals.files().stream().collect(Collectors.groupingBy(Originals.OriginalFile::model));
        return pruned.findAll().stream()
                .flatMap(row -> elsewhere(row, () -> files.getOrDefault(row.id(), List.of())).stream())
                .toList();
    }

    /** A model in the object store but not in this home. */
    public Optional<Elsewhere> elsewhere(ModelId id) {
        return pruned.findById(id.toString())
                .flatMap(row -> elsewhere(
                        row, () -> row.location().map(originals::files).orElse(List.of())));
    }

    private Optional<Elsewhere> elsewhere(PrunedModel row, Supplier<List<Originals.OriginalFile>> files) {
        return row.location()
                .filter(original -> originals.kept()
                        && folder(original.model(), Optional.of(row)).isEmpty())
                .map(original -> new Elsewhere(row, original, files.get()));
    }

    /** Every folder name that could be a model of this home. */
    public List<ModelId> ids() {
        return store.ids();
    }

    /** A model, if it is in this home. */
    public Optional<Entry> here(ModelId id) {
        return entry(id, pruned.findById(id.toString()));
    }

    /** A model, fetched first if it is only in the object store. */
    public Optional<Entry> find(ModelId id) {
        Optional<PrunedModel> row = pruned.findById(id.toString());
        if (folder(id, row).isEmpty()) {
            row.flatMap(PrunedModel::location).ifPresent(originals::fetch);
        }
        return entry(id, row);
    }

    /** Whether the name is taken, by a model here or elsewhere or by something else. */
    public boolean taken(ModelId id) {
        return (store.exists(id) && !originals.stale(id))
                || pruned.findById(id.toString()).flatMap(PrunedModel::location).isPresent();
    }

    /** @throws MosaicException MODEL_NOT_FOUND */
    public Entry require(ModelId id) {
        return find(id).orElseThrow(() -> notFound(id.toString()));
    }

    /** Removes a model, here and from the object store; downloads in progress finish. */
    public void delete(ModelId id) {
        Deleted deleted = Objects.requireNonNull(transaction.execute(status -> {
            Optional<PrunedModel> row = pruned.findById(id.toString());
            Optional<Location> location = row.flatMap(PrunedModel::location);
            boolean here = folder(id, row).isPresent();
            if (!here && location.isEmpty()) {
                throw notFound(id.toString());
            }
            pruned.deleteById(id.toString());
            return new Deleted(here ? Optional.of(store.retire(id)) : Optional.empty(), location);
        }));
        // slow work comes after the transaction
        deleted.retired().ifPresent(store::discard);
        deleted.original().ifPresent(originals::delete);
    }

    /** The remains of a model that is no longer visible. */
    private record Deleted(Optional<String> retired, Optional<Location> original) {}

    /** A model's folder in this home, unless it is a copy of a deleted original. */
    private Optional<Path> folder(ModelId id, Optional<PrunedModel> row) {
        return store.folder(id).filter(folder -> !originals.stale(id, row.flatMap(PrunedModel::location)));
    }

    static MosaicException notFound(String id) {
        return new MosaicException(ErrorCode.MODEL_NOT_FOUND, "No model " + id + "; GET /models lists them");
    }

    private Optional<Entry> entry(ModelId id, Optional<PrunedModel> row) {
        return folder(id, row).map(folder -> {
            List<ModelFile> files = store.files(folder);
            Reading reading = readings.compute(id, (key, known) -> {
                String stamp = folder + files.toString();
                return known != null && known.stamp().equals(stamp) ? known : read(stamp, folder, files);
            });
            Optional<MosaicException> fault = reading.fault().or(() -> row.flatMap(PrunedModel::fault));
            return new Entry(id, folder, files, reading.facts(), fault, row);
        });
    }

    private static Reading read(String stamp, Path folder, List<ModelFile> files) {
        try {
            if (Files.exists(folder.resolve(ConfigReader.FILE))
                    && files.stream().noneMatch(file -> file.path().equals(ConfigReader.FILE))) {
                throw new MosaicException(
                        ErrorCode.CONFIG_INVALID,
                        ConfigReader.FILE + " is a link out of its folder, and only what lies in it is served;"
                                + " copy the files themselves, as cp -L does");
            }
            return new Reading(stamp, Optional.of(ModelFacts.read(folder)), Optional.empty());
        } catch (MosaicException e) {
            return new Reading(stamp, Optional.empty(), Optional.of(e));
        }
    }
}
