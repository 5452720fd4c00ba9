package io.mosaic.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.mosaic.engine.checkpoint.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** tokenizer.json, read and then used: the native library behind it ends the whole process where it panics. */
@Timeout(120)
class TokenizerFuzzTests {
    private static final Reading READING = new Reading(4 << 20);
    private static final Inputs INPUTS = Inputs.of(TokenizerFuzzTests.class);
    private static final int VOCABULARY = 512;

    private static final List<String> TEXTS =
            List.of("", "a b", "aab ab  <s>   b\n\n", " \t a  b", "größe 数字 😀 e\u0301\0", "ab ".repeat(100));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @BeforeAll
    static void validIsRead() throws Throwable {
        Reading.valid(INPUTS, TokenizerFuzzTests::read);
    }

    @FuzzTest
    void readOrRefused(byte[] file) {
        READING.check(file, TokenizerFuzzTests::read);
    }

    @Test
    void mutationsAreReadOrRefused() {
        INPUTS.mutate(2000, this::readOrRefused);
    }

    private static void read(byte[] file) throws IOException {
        Files.write(folder.resolve(Tokenizer.FILE), file);
        try (Tokenizer tokenizer = Tokenizer.open(folder, VOCABULARY)) {
            TEXTS.forEach(tokenizer::encode);
        }
    }
}
