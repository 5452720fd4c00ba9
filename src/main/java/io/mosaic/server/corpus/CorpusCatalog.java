package io.mosaic.server.corpus;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.stereotype.Component;

/** The texts in {@code mosaic.home/corpora}; the folder is read on every call, so a new file appears at once. */
@Component
public class CorpusCatalog {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}");
    private static final String SUFFIX = ".txt";

    private final Path folder;

    CorpusCatalog(MosaicHome home) {
        this.folder = home.corpora();
    }

    /** A text file. */
    public record Entry(String name, long bytes, Instant modifiedAt, Path file) {}

    public List<Entry> list() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(SUFFIX))
                    .map(file -> file.substring(0, file.length() - SUFFIX.length()))
                    .sorted()
                    .flatMap(name -> find(name).stream())
                    .toList();
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Corpora cannot be listed: " + e.getMessage(), e);
        }
    }

    public Optional<Entry> find(String name) {
        if (!NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        Path file = folder.resolve(name + SUFFIX);
        try {
            return Files.isRegularFile(file)
                    ? Optional.of(new Entry(
                            name,
                            Files.size(file),
                            Files.getLastModifiedTime(file).toInstant(),
                            file))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // deleted between the two calls
        }
    }
}
