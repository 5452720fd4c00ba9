package io.mosaic.engine.pipeline;

import io.mosaic.engine.allocation.MapSparsity;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.pruning.LayerNotes;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.engine.search.SearchReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The record of a run's decisions and finished layers, one line of JSON each, beside the weights it writes: another run
 * of the same task resumes from there. It need not reach the disk before the weights do, as each layer is known by its
 * hash.
 */
final class Journal {
    private static final String FILE = ".journal";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Path file;

    private Journal(Path file) {
        this.file = file;
    }

    /**
     * The decisions before the first layer.
     *
     * @param fingerprint of everything that the weights depend on
     * @param dropped whole layers to remove
     * @param choices one per target
     */
    record Decisions(
            String fingerprint,
            Optional<OutlierRanking> ranking,
            List<DepthSearch.Dropped> dropped,
            List<Choice> choices) {}

    /**
     * The plan of one target.
     *
     * @param zeros per projection of every layer, in order
     */
    record Choice(StructuredPlan structure, List<MapSparsity> zeros, Optional<SearchReport> search) {}

    /** A layer on disk for all targets, one entry per target. */
    record Layer(List<Written> targets) {}

    /** A layer of one target, by the hash of its weights as stored. */
    record Written(String sha256, LayerNotes notes) {}

    /** The contents of a journal, layers from the first on. */
    record Content(Decisions decisions, List<Layer> layers) {}

    /** Begins a journal in the folder of a run's first target. */
    static Journal begin(Path folder, Decisions decisions) {
        Journal journal = new Journal(folder.resolve(FILE));
        journal.append(decisions);
        return journal;
    }

    void add(Layer layer) {
        append(layer);
    }

    /** Removes the journal before the model is published. */
    static void delete(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw SafetensorsWriter.diskFailure(file, e);
        }
    }

    /**
     * The journal of an earlier run, as far as it was written; empty if there is none or it belongs to another task.
     */
    static Optional<Content> read(Path folder, String fingerprint) {
        List<Layer> layers = new ArrayList<>();
        try {
            List<String> lines = Files.readAllLines(folder.resolve(FILE));
            Decisions decisions = JSON.readValue(lines.getFirst(), Decisions.class);
            if (!decisions.fingerprint().equals(fingerprint)) {
                return Optional.empty();
            }
            try {
                for (String line : lines.subList(1, lines.size())) {
                    layers.add(JSON.readValue(line, Layer.class));
                }
            } catch (JacksonException e) {
                // the last line was cut off: the layers before it are valid
            }
            return Optional.of(new Content(decisions, layers));
        } catch (IOException | JacksonException | NoSuchElementException e) {
            return Optional.empty();
        }
    }

    private void append(Object line) {
        try {
            Files.writeString(
                    file, JSON.writeValueAsString(line) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw SafetensorsWriter.diskFailure(file, e);
        }
    }
}
