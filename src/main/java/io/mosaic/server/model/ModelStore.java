package io.mosaic.server.model;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.util.FileSystemUtils;

/**
 * Model folders on disk. A model appears and disappears by one rename; folders being written or deleted are under
 * {@code .staging}.
 */
@Component
public class ModelStore {
    private static final Logger log = LoggerFactory.getLogger(ModelStore.class);

    /** Hidden file of a model that a job made: the job's id. */
    private static final String JOB = ".job";

    /** Hidden file of a model with an original in the object store: its location. */
    private static final String ORIGINAL = ".original";

    /** Prefix of folders that are being copied here, from the object store or for the demo, and belong to no job. */
    private static final String COPY = "copy-";

    private static final int DEPTH = 4;

    private final Path root;
    private final Path staging;

    ModelStore(MosaicHome home) {
        this.root = home.models();
        this.staging = home.staging();
    }

    /** Every folder that could be a model, in order of id. */
    List<ModelId> ids() {
        return directories(root).stream()
                .filter(namespace -> !Files.isSymbolicLink(namespace))
                .flatMap(namespace -> directories(namespace).stream()
                        .flatMap(folder -> ModelId.of(fileName(namespace), fileName(folder)).stream()))
                .sorted(Comparator.comparing(ModelId::toString))
                .toList();
    }

    /** Whether there is no model at all. */
    public boolean empty() {
        return ids().isEmpty();
    }

    /** Whether the name is taken, by a folder or by anything else. */
    public boolean exists(ModelId id) {
        return Files.exists(path(id), LinkOption.NOFOLLOW_LINKS);
    }

    Optional<Path> folder(ModelId id) {
        // a namespace that is a link would give one model two names
        return Optional.of(path(id))
                .filter(folder -> !Files.isSymbolicLink(folder.getParent()) && Files.isDirectory(folder));
    }

    /**
     * Regular files in the folder. Leaves out hidden files, links out of the folder, and whatever cannot be read, like
     * a link to a folder above.
     */
    public List<ModelFile> files(Path folder) {
        try {
            Listing listing = new Listing(folder.toRealPath());
            Files.walkFileTree(listing.root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), DEPTH, listing);
            listing.files.sort(Comparator.comparing(ModelFile::path));
            return listing.files;
        } catch (NoSuchFileException e) {
            return List.of(); // it was deleted meanwhile
        } catch (IOException e) {
            throw new MosaicException(
                    ErrorCode.IO_ERROR, "Folder " + folder + " cannot be listed: " + e.getMessage(), e);
        }
    }

    private static final class Listing extends SimpleFileVisitor<Path> {
        private final Path root;
        private final List<ModelFile> files = new ArrayList<>();

        Listing(Path root) {
            this.root = root;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return directory.equals(root) || belongs(directory)
                    ? FileVisitResult.CONTINUE
                    : FileVisitResult.SKIP_SUBTREE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile() && belongs(file)) {
                files.add(new ModelFile(
                        root.relativize(file).toString().replace('\\', '/'),
                        attributes.size(),
                        attributes.lastModifiedTime().toInstant().truncatedTo(ChronoUnit.MICROS)));
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) {
            return FileVisitResult.CONTINUE;
        }

        private boolean belongs(Path path) {
            try {
                return !fileName(path).startsWith(".") && path.toRealPath().startsWith(root);
            } catch (IOException e) {
                return false; // it was deleted meanwhile
            }
        }
    }

    /** Makes an empty folder for a model to be written. */
    public Path stage(String name) {
        Path folder = staging.resolve(name);
        try {
            Files.createDirectories(staging);
            FileSystemUtils.deleteRecursively(folder);
            return Files.createDirectory(folder);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot create " + folder + ": " + e.getMessage(), e);
        }
    }

    /** Makes an empty folder for a copy of a model, under a unique name. */
    public Path stageCopy() {
        return stage(COPY + UUID.randomUUID());
    }

    /** Names of all folders that are staged for a job, or left over from one. */
    public List<String> staged() {
        return directories(staging).stream()
                .map(ModelStore::fileName)
                .filter(name -> !name.startsWith(COPY))
                .toList();
    }

    /** Deletes abandoned copies: those in which nothing was written for {@code silence}. */
    public void discardDeadCopies(Duration silence) {
        Instant before = Instant.now().minus(silence);
        directories(staging).stream()
                .filter(folder -> fileName(folder).startsWith(COPY))
                .filter(folder -> lastWritten(folder).isBefore(before))
                .forEach(folder -> {
                    Path retired = retired();
                    try {
                        // renamed first: should its process still be alive, it cannot publish half a folder
                        Files.move(folder, retired, StandardCopyOption.ATOMIC_MOVE);
                    } catch (NoSuchFileException e) {
                        return; // another process was faster
                    } catch (IOException e) {
                        throw new MosaicException(
                                ErrorCode.IO_ERROR, "Cannot delete " + folder + ": " + e.getMessage(), e);
                    }
                    delete(retired);
                });
    }

    /** The last write into a folder; now, if that cannot be read. */
    private static Instant lastWritten(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            Instant last = Instant.MIN;
            for (Path path : (Iterable<Path>) all::iterator) {
                Instant written = Files.getLastModifiedTime(path).toInstant();
                last = written.isAfter(last) ? written : last;
            }
            return last;
        } catch (IOException | UncheckedIOException e) {
            return Instant.now();
        }
    }

    /** The path of a staged folder. */
    public Path staged(String name) {
        return staging.resolve(name);
    }

    /** Deletes a staged folder, if it still exists. */
    public void discard(String name) {
        delete(staging.resolve(name));
    }

    /** Marks a staged folder with the job that made it. */
    public void sign(Path staged, UUID job) {
        hide(staged.resolve(JOB), job.toString());
    }

    /** Notes in a staged folder the location of its original in the object store. */
    public void note(Path staged, Location original) {
        hide(staged.resolve(ORIGINAL), original.toString());
    }

    /** The location of a model's original in the object store, if its folder names one. */
    Optional<Location> original(ModelId id) {
        Path file = path(id).resolve(ORIGINAL);
        try {
            return Location.parse(Files.readString(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static void hide(Path file, String content) {
        try {
            force(Files.writeString(file, content), StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /** Forces a staged folder to disk. */
    public void seal(Path staged) {
        try {
            for (ModelFile file : files(staged)) {
                force(staged.resolve(file.path()), StandardOpenOption.WRITE);
            }
            force(staged, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot sync " + staged + ": " + e.getMessage(), e);
        }
    }

    /**
     * Makes a sealed folder the model, in one rename.
     *
     * @param replace whether a folder of the same name made by the same job is replaced
     * @throws MosaicException OUTPUT_TAKEN
     */
    public void publish(Path staged, ModelId id, boolean replace) {
        Path namespace = root.resolve(id.namespace());
        Path target = path(id);
        try {
            Files.createDirectories(namespace);
            if (Files.exists(target)) {
                if (!replace || !sameJob(target, staged)) {
                    throw new MosaicException(
                            ErrorCode.OUTPUT_TAKEN, "A model " + id + " appeared while this one was made");
                }
                delete(Files.move(target, retired(), StandardCopyOption.ATOMIC_MOVE));
            }
            Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
            force(namespace, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot publish " + target + ": " + e.getMessage(), e);
        }
    }

    private static boolean sameJob(Path published, Path staged) throws IOException {
        Path one = published.resolve(JOB);
        Path other = staged.resolve(JOB);
        return Files.exists(one) && Files.exists(other) && Files.mismatch(one, other) < 0;
    }

    /** Publishes several models, or none: if one cannot be published, those before it are withdrawn. */
    public void publish(Map<ModelId, Path> staged, boolean replace) {
        try {
            staged.forEach((id, folder) -> publish(folder, id, replace));
        } catch (RuntimeException e) {
            staged.forEach((id, folder) -> {
                if (Files.notExists(folder)) { // it was moved
                    takeBack(id, e);
                }
            });
            throw e;
        }
    }

    /** Removes the folder that a killed job moved here; a folder from any other source stays. */
    public void removeUnpublished(ModelId id, UUID job) {
        try {
            if (Files.readString(path(id).resolve(JOB)).equals(job.toString())) {
                remove(id);
            }
        } catch (NoSuchFileException e) {
            // nothing of this job is there
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot read the job of " + id + ": " + e.getMessage(), e);
        }
    }

    private void takeBack(ModelId id, RuntimeException cause) {
        try {
            remove(id);
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
        }
    }

    /** Removes a model; downloads in progress finish. */
    void remove(ModelId id) {
        discard(retire(id));
    }

    /** Hides a model by one rename, to a staging name for the caller to {@link #discard}. */
    String retire(ModelId id) {
        Path folder = folder(id).orElseThrow(() -> ModelCatalog.notFound(id.toString()));
        Path retired = retired();
        try {
            Files.createDirectories(staging);
            Files.move(folder, retired, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            throw ModelCatalog.notFound(id.toString());
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, "Cannot delete " + id + ": " + e.getMessage(), e);
        }
        return fileName(retired);
    }

    private Path path(ModelId id) {
        return root.resolve(id.namespace()).resolve(id.name());
    }

    private Path retired() {
        return staging.resolve("deleted-" + UUID.randomUUID());
    }

    /** Deletes the folder of a former model. What cannot be deleted now is left to the janitor. */
    private static void delete(Path folder) {
        try {
            FileSystemUtils.deleteRecursively(folder);
        } catch (NoSuchFileException e) {
            // the janitor is deleting it, too
        } catch (IOException e) {
            log.warn("{} cannot be deleted: {}", folder, e.getMessage());
        }
    }

    /** Forces written data to the disk, out of its cache. */
    private static void force(Path path, StandardOpenOption option) throws IOException {
        try (FileChannel channel = FileChannel.open(path, option)) {
            channel.force(true);
        }
    }

    private static List<Path> directories(Path parent) {
        if (!Files.isDirectory(parent)) {
            return List.of();
        }
        try (Stream<Path> children = Files.list(parent)) {
            return children.filter(Files::isDirectory).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException | UncheckedIOException e) {
            throw new MosaicException(
                    ErrorCode.IO_ERROR, "Folder " + parent + " cannot be listed: " + e.getMessage(), e);
        }
    }

    private static String fileName(Path path) {
        return path.getFileName().toString();
    }
}
