package io.mosaic.engine.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text files as one string. */
class CorpusTests {
    @TempDir
    Path temp;

    private void assertRefused(ErrorCode code, Path file, String part) {
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() -> Corpus.read("novel", file))
                .withMessageContaining("Corpus novel")
                .withMessageContaining(part)
                .extracting(MosaicException::code)
                .isEqualTo(code);
    }

    @Test
    void textIsReadByteForByte() throws IOException {
        String text = "\uFEFFline one\r\n\r\n\tcafé 日本語 🙂 \u0000 end ";
        Path file = Files.write(temp.resolve("a.txt"), text.getBytes(StandardCharsets.UTF_8));
        assertThat(Corpus.read("novel", file)).isEqualTo(new Corpus("novel", text));
    }

    @Test
    void textThatIsNotUtf8IsRefused() throws IOException {
        byte[] latin1 = "café".getBytes(StandardCharsets.ISO_8859_1);
        assertRefused(ErrorCode.CORPUS_INVALID, Files.write(temp.resolve("a.txt"), latin1), "not UTF-8");
    }

    @Test
    void missingFileIsRefused() {
        assertRefused(ErrorCode.CORPUS_NOT_FOUND, temp.resolve("none.txt"), "cannot be read");
    }

    @Test
    void textTooLargeForTheHeapIsRefusedBeforeItIsRead() throws IOException {
        Path file = temp.resolve("huge.txt");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(Corpus.MAX_BYTES + 1);
        }
        assertRefused(ErrorCode.CORPUS_INVALID, file, String.valueOf(Corpus.MAX_BYTES));
    }
}
