package io.mosaic.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.checkpoint.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;

/** A whole model folder, written as one input: each file begins with a line {@code === name}. */
@Timeout(120)
class ModelFolderFuzzTests {
    private static final Reading READING = new Reading(4 << 20);
    private static final Inputs INPUTS = Inputs.of(ModelFolderFuzzTests.class);
    private static final Pattern FILE = Pattern.compile("(?:^|\\n)=== ([a-z][a-z.]{0,40})\\n");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path temp;

    @BeforeAll
    static void validIsRead() throws Throwable {
        Reading.valid(INPUTS, ModelFolderFuzzTests::read);
    }

    @FuzzTest
    void readOrRefused(byte[] files) {
        READING.check(files, ModelFolderFuzzTests::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        INPUTS.mutate(1000, this::readOrRefused);
    }

    private static void read(byte[] files) throws IOException {
        Path folder = Files.createDirectory(temp.resolve("model"));
        try {
            write(files, folder);
            read(folder);
        } finally {
            FileSystemUtils.deleteRecursively(folder);
        }
    }

    private static void write(byte[] files, Path folder) throws IOException {
        String text = new String(files, StandardCharsets.ISO_8859_1);
        List<MatchResult> starts = FILE.matcher(text).results().toList();
        for (int i = 0; i < starts.size(); i++) {
            int end = i + 1 < starts.size() ? starts.get(i + 1).start() : text.length();
            Files.writeString(
                    folder.resolve(starts.get(i).group(1)),
                    text.substring(starts.get(i).end(), end),
                    StandardCharsets.ISO_8859_1);
        }
    }

    /** As a job does before it is taken, and then each weight. */
    static void read(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            TensorCheck.check(checkpoint);
            Tokenizer.open(folder, checkpoint.architecture().vocabularySize()).close();
            checkpoint.tensors().stream().map(TensorInfo::name).forEach(checkpoint::read);
        }
    }
}
