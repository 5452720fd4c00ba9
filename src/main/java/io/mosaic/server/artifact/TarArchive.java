package io.mosaic.server.artifact;

import io.mosaic.server.model.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.io.output.CountingOutputStream;

/** A model folder as one tar stream whose length is known before the first byte. */
final class TarArchive {
    private static final int RECORD = 512;

    private final String top;
    private final Path folder;
    private final List<ModelFile> files;

    /** @param top name of the folder inside the archive */
    TarArchive(String top, Path folder, List<ModelFile> files) {
        this.top = top;
        this.folder = folder;
        this.files = files;
    }

    /** Bytes that {@link #write} will send. */
    long length() throws IOException {
        long total = 2 * RECORD; // the end mark
        for (ModelFile file : files) {
            CountingOutputStream header = new CountingOutputStream(OutputStream.nullOutputStream());
            tar(header).putArchiveEntry(entry(file));
            total += header.getByteCount() + Math.ceilDiv(file.bytes(), RECORD) * RECORD;
        }
        return total;
    }

    /** Sends the archive; a model deleted meanwhile is still sent whole, as all its files are open by then. */
    void write(OutputStream out) throws IOException {
        List<InputStream> contents = new ArrayList<>();
        try {
            for (ModelFile file : files) {
                contents.add(Files.newInputStream(folder.resolve(file.path())));
            }
            TarArchiveOutputStream tar = tar(out);
            for (int i = 0; i < contents.size(); i++) {
                tar.putArchiveEntry(entry(files.get(i)));
                contents.get(i).transferTo(tar);
                tar.closeArchiveEntry();
            }
            tar.finish();
            tar.flush();
        } finally {
            for (InputStream content : contents) {
                content.close();
            }
        }
    }

    private TarArchiveEntry entry(ModelFile file) {
        TarArchiveEntry entry = new TarArchiveEntry(top + "/" + file.path());
        entry.setSize(file.bytes());
        entry.setModTime(Date.from(file.modifiedAt()));
        return entry;
    }

    private static TarArchiveOutputStream tar(OutputStream out) {
        TarArchiveOutputStream tar = new TarArchiveOutputStream(out, RECORD, StandardCharsets.UTF_8.name());
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        tar.setAddPaxHeadersForNonAsciiNames(true);
        return tar;
    }
}
