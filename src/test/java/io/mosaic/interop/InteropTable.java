package io.mosaic.interop;

import io.mosaic.fixture.Project;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a run has found, as a table in Markdown under target/interop; src/docs/families.md holds those of one run. */
final class InteropTable {
    private final String name;
    private final List<String> lines = new ArrayList<>();

    InteropTable(String name, String... columns) {
        this.name = name;
        row(columns);
        lines.add("|" + "---|".repeat(columns.length));
    }

    void row(String... cells) {
        lines.add("| " + String.join(" | ", cells) + " |");
    }

    void write(String versions) {
        Path file = Project.path("target").resolve("interop").resolve(name + ".md");
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, versions + "\n\n" + String.join("\n", lines) + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
