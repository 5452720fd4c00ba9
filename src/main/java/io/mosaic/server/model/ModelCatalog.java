package io.mosaic.server.model;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.checkpoint.ModelConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The models in the store: those that jobs made and those that people put there. Folders are looked at on every call;
 * their headers are read again only when a file changed.
 */
@Component
public class ModelCatalog {
    private final ModelStore store;
    private final PrunedModelRepository pruned;
    private final Map<ModelId, Reading> readings = new ConcurrentHashMap<>();

    ModelCatalog(ModelStore store, PrunedModelRepository pruned) {
        this.store = store;
        this.pruned = pruned;
    }

    /** What a folder's headers said when its files had this stamp. */
    private record Reading(String stamp, Optional<ModelFacts> facts, Optional<MosaicException> fault) {}

    /**
     * A model folder: its facts, or what is wrong with it.
     *
     * @param madeBy the row of a model that a job made
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

    public List<Entry> list() {
        Map<String, PrunedModel> rows =
                pruned.findAll().stream().collect(Collectors.toMap(PrunedModel::id, Function.identity()));
        return store.ids().stream()
                .flatMap(id -> entry(id, Optional.ofNullable(rows.get(id.toString()))).stream())
                .toList();
    }

    public Optional<Entry> find(ModelId id) {
        return entry(id, pruned.findById(id.toString()));
    }

    /** @throws MosaicException MODEL_NOT_FOUND */
    public Entry require(ModelId id) {
        return find(id).orElseThrow(() -> notFound(id.toString()));
    }

    /** Takes a model away; downloads that have begun finish. */
    @Transactional
    public void delete(ModelId id) {
        pruned.deleteById(id.toString());
        store.remove(id);
    }

    static MosaicException notFound(String id) {
        return new MosaicException(ErrorCode.MODEL_NOT_FOUND, "No model " + id + "; GET /models lists them");
    }

    private Optional<Entry> entry(ModelId id, Optional<PrunedModel> row) {
        return store.folder(id).map(folder -> {
            List<ModelFile> files = store.files(folder);
            Reading reading = readings.compute(id, (key, known) -> {
                String stamp = folder + files.toString();
                return known != null && known.stamp().equals(stamp) ? known : read(stamp, folder, files);
            });
            Optional<MosaicException> fault = reading.fault()
                    .or(() -> row.flatMap(PrunedModel::corrupt)
                            .map(changed -> new MosaicException(
                                    ErrorCode.MODEL_CORRUPT,
                                    "Files of " + id + " are not those that were published: " + changed)));
            return new Entry(id, folder, files, reading.facts(), fault, row);
        });
    }

    private static Reading read(String stamp, Path folder, List<ModelFile> files) {
        try {
            if (Files.exists(folder.resolve(ModelConfig.FILE))
                    && files.stream().noneMatch(file -> file.path().equals(ModelConfig.FILE))) {
                throw new MosaicException(
                        ErrorCode.CONFIG_INVALID,
                        ModelConfig.FILE + " is a link out of its folder, and only what lies in it is served;"
                                + " copy the files themselves, as cp -L does");
            }
            return new Reading(stamp, Optional.of(ModelFacts.read(folder)), Optional.empty());
        } catch (MosaicException e) {
            return new Reading(stamp, Optional.empty(), Optional.of(e));
        }
    }
}
