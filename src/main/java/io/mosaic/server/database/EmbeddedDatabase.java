package io.mosaic.server.database;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
 * A PostgreSQL server in a data directory of its own. The first process that locks the directory runs the server; the
 * others are its guests. Listens on loopback only, because it trusts who connects.
 */
public final class EmbeddedDatabase implements JdbcConnectionDetails, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EmbeddedDatabase.class);
    private static final Duration START = Duration.ofSeconds(90);
    private static final int PORT_LINE = 3; // of postmaster.pid

    private final String url;
    private final Optional<EmbeddedPostgres> server; // empty for a guest
    private final FileChannel lock;

    private EmbeddedDatabase(String url, Optional<EmbeddedPostgres> server, FileChannel lock) {
        this.url = url;
        this.server = server;
        this.lock = lock;
    }

    static EmbeddedDatabase start(Path data, EmbeddedPostgres.Builder builder) {
        try {
            Files.createDirectories(data.getParent());
            FileChannel channel = FileChannel.open(
                    data.resolveSibling(data.getFileName() + ".lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                String url = guestUrl(data);
                log.info("Using the embedded PostgreSQL of another process: {}", url);
                return new EmbeddedDatabase(url, Optional.empty(), channel);
            }
            stopOrphan(data);
            EmbeddedPostgres server = builder.setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setOverrideWorkingDirectory(
                            data.resolveSibling("postgresql-binaries").toFile())
                    .setRegisterShutdownHook(false)
                    .setPGStartupWait(START)
                    .setServerConfig("listen_addresses", "127.0.0.1")
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("full_page_writes", "on")
                    .start();
            String url = server.getJdbcUrl("postgres", "postgres");
            log.info("Embedded PostgreSQL keeps its data in {}: {}", data, url);
            return new EmbeddedDatabase(url, Optional.of(server), channel);
        } catch (IOException | RuntimeException e) {
            throw new IllegalStateException(
                    "The embedded PostgreSQL in " + data + " did not start: " + e.getMessage()
                            + ". As root it needs user namespaces (unshare -U). Set spring.datasource.url to use"
                            + " another server.",
                    e);
        }
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
            if (lines.size() > PORT_LINE + 3) { // the last line, the status, comes when the server is up
                return "jdbc:postgresql://localhost:" + lines.get(PORT_LINE).trim() + "/postgres?user=postgres";
            }
            pause();
        }
        throw new IOException("another process holds the lock, but no server came up");
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while waiting for PostgreSQL", e);
        }
    }

    /** A server whose Java process was killed still holds the directory. */
    private static void stopOrphan(Path data) throws IOException {
        Path pid = data.resolve("postmaster.pid");
        if (!Files.exists(pid)) {
            return;
        }
        long number = Long.parseLong(Files.readAllLines(pid).getFirst().trim());
        Optional<ProcessHandle> orphan = ProcessHandle.of(number)
                .filter(p -> p.info().command().orElse("").contains("postgres"));
        if (orphan.isEmpty()) {
            return; // a stale file; PostgreSQL removes it
        }
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
        if (server.isPresent()) {
            server.get().close();
        }
        lock.close();
    }
}
