package io.mosaic.server.database;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

/**
 * A PostgreSQL server in a data directory of its own. The first process to lock the directory runs the server; the
 * others are its guests. Listens on loopback only, because it trusts every client.
 */
public final class EmbeddedDatabase implements JdbcConnectionDetails, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EmbeddedDatabase.class);
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration WATCH = Duration.ofSeconds(1);
    private static final int PORT_LINE = 3; // of postmaster.pid

    private final String url;
    private final Path data;
    private final FileChannel lock;
    private volatile Optional<EmbeddedPostgres> server; // empty for a guest
    private volatile boolean closed;

    private EmbeddedDatabase(String url, Path data, Optional<EmbeddedPostgres> server, FileChannel lock) {
        this.url = url;
        this.data = data;
        this.server = server;
        this.lock = lock;
    }

    static EmbeddedDatabase start(Path data) {
        try {
            Files.createDirectories(data.getParent());
            FileChannel channel = FileChannel.open(
                    data.resolveSibling(data.getFileName() + ".lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                String url = guestUrl(data);
                log.info("Using the embedded PostgreSQL of another process: {}", url);
                return new EmbeddedDatabase(url, data, Optional.empty(), channel);
            }
            stopOrphan(data);
            closeToOthers(data);
            EmbeddedPostgres server = builder(data).start();
            String url = server.getJdbcUrl("postgres", "postgres");
            log.info("Embedded PostgreSQL keeps its data in {}: {}", data, url);
            EmbeddedDatabase database = new EmbeddedDatabase(url, data, Optional.of(server), channel);
            Thread.ofVirtual().name("embedded-postgresql").start(() -> database.watch(server.getPort()));
            return database;
        } catch (IOException | RuntimeException e) {
            throw new IllegalStateException(
                    "The embedded PostgreSQL in " + data + " did not start: " + e.getMessage()
                            + ". As root it needs user namespaces (unshare -U). Set spring.datasource.url to use"
                            + " another server.",
                    e);
        }
    }

    /** PostgreSQL refuses a directory that others may read, such as a copy restored without its permissions. */
    private static void closeToOthers(Path data) throws IOException {
        if (Files.isDirectory(data)
                && Files.getFileStore(data).supportsFileAttributeView(PosixFileAttributeView.class)) {
            Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
        }
    }

    private static EmbeddedPostgres.Builder builder(Path data) {
        return EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setOverrideWorkingDirectory(
                        data.resolveSibling("postgresql-binaries").toFile())
                .setRegisterShutdownHook(false)
                .setPGStartupWait(START)
                .setServerConfig("listen_addresses", "127.0.0.1")
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on");
    }

    /** Restarts a killed server on the port its clients use. */
    private void watch(int port) {
        while (!closed) {
            pause(WATCH);
            try {
                if (!closed && postmaster(data).filter(ProcessHandle::isAlive).isEmpty()) {
                    log.warn("The embedded PostgreSQL has died; starting it again on port {}", port);
                    if (server.isPresent()) {
                        server.get().close(); // releases its lock on the directory
                        server = Optional.empty();
                    }
                    server = Optional.of(builder(data).setPort(port).start());
                }
            } catch (IOException | RuntimeException e) {
                log.warn("The embedded PostgreSQL does not come back yet: {}", e.toString());
            }
        }
    }

    /** The server's process, read from its PID file; empty if there is no file. */
    private static Optional<ProcessHandle> postmaster(Path data) throws IOException {
        Path pid = data.resolve("postmaster.pid");
        if (!Files.exists(pid)) {
            return Optional.empty();
        }
        long number = Long.parseLong(Files.readAllLines(pid).getFirst().trim());
        return ProcessHandle.of(number)
                .filter(p -> p.info().command().orElse("").contains("postgres"));
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // another application context of this process
        }
    }

    private static String guestUrl(Path data) throws IOException {
        long deadline = System.nanoTime() + START.toNanos();
        while (System.nanoTime() < deadline) {
            Path pid = data.resolve("postmaster.pid");
            List<String> lines = Files.exists(pid) ? Files.readAllLines(pid) : List.of();
            if (lines.size() > PORT_LINE + 3) { // the last line, the status, is written when the server is up
                return "jdbc:postgresql://localhost:" + lines.get(PORT_LINE).trim() + "/postgres?user=postgres";
            }
            pause(POLL);
        }
        throw new IOException("another process holds the lock, but no server came up");
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while waiting for PostgreSQL", e);
        }
    }

    /** A server whose Java process was killed still holds the directory. */
    private static void stopOrphan(Path data) throws IOException {
        Optional<ProcessHandle> orphan = postmaster(data);
        if (orphan.isEmpty()) {
            return; // none, or a stale file that PostgreSQL removes
        }
        long number = orphan.get().pid();
        log.warn("Stopping the PostgreSQL that a killed process left behind, pid {}", number);
        try {
            new ProcessBuilder("kill", "-INT", Long.toString(number)).start().waitFor();
            orphan.get().onExit().get(START.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("PostgreSQL with pid " + number + " does not stop", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while stopping PostgreSQL with pid " + number, e);
        }
    }

    @Override
    public String getJdbcUrl() {
        return url;
    }

    @Override
    public String getUsername() {
        return "postgres";
    }

    @Override
    public String getPassword() {
        return "";
    }

    @Override
    public void close() throws IOException {
        closed = true;
        if (server.isPresent()) {
            server.get().close();
        }
        lock.close();
    }
}
