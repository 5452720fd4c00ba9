package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Refusals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers that are missing, broken, or made for another model. */
class TokenizerTests {
    @TempDir
    Path temp;

    @Test
    void missingFileIsNamed() {
        refused("tokenizer.json", "missing");
    }

    @Test
    void folderInItsPlaceIsNoTokenizer() throws IOException {
        Files.createDirectory(temp.resolve("tokenizer.json"));
        refused("tokenizer.json", "missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{}",
                "[]",
                "null",
                "\u0000\u0001",
                "{\"model\":{\"type\":\"Quantum\"}}",
                "{\"model\":7}"
            })
    void fileThatIsNoTokenizerIsRefused(String content) throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), content);
        refused("tokenizer.json", "cannot be read");
    }

    @Test
    void fileThatNestsDeepIsRefused() throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), "[".repeat(100_000));
        refused("tokenizer.json", "cannot be read");
    }

    @Test
    void truncatedFileIsRefused() throws IOException {
        String whole = Files.readString(Demo.model().resolve("tokenizer.json"));
        Files.writeString(temp.resolve("tokenizer.json"), whole.substring(0, whole.length() / 2));
        refused("tokenizer.json", "cannot be read");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "7", "{\"model_max_length\":\"many\"}"})
    void faultyCompanionFileIsRefusedOrOfNoConsequence(String content) throws IOException {
        Checkpoints.copy(Demo.model(), temp.resolve("model"));
        Files.writeString(temp.resolve("model/tokenizer_config.json"), content);
        try (Tokenizer plain = Tokenizer.open(Demo.model(), Demo.VOCABULARY);
                Tokenizer tokenizer = Tokenizer.open(temp.resolve("model"), Demo.VOCABULARY)) {
            assertThat(tokenizer.encode("Once upon a time")).isEqualTo(plain.encode("Once upon a time"));
        }
    }

    @Test
    void idPastTheVocabularyIsNamedWithTheLimit() throws IOException {
        words("{\"a\":0,\"b\":7,\"c\":4294967295}", "");
        try (Tokenizer tokenizer = Tokenizer.open(temp, 7)) {
            assertThat(tokenizer.encode("a a")).containsExactly(0, 0);
            encodingIsRefused(tokenizer, "a b", "token id 7", "vocabulary has 7");
            encodingIsRefused(tokenizer, "a c", "token id 4294967295", "vocabulary has 7");
        }
    }

    @Test
    void textThatTheTokenizerCannotEncodeIsRefused() throws IOException {
        words("{\"a\":0}", "[UNK]"); // the token for unknown words is unknown itself
        try (Tokenizer tokenizer = Tokenizer.open(temp, 7)) {
            encodingIsRefused(tokenizer, "a b", "tokenizer.json", "cannot encode");
        }
    }

    @Test
    void emptyTextHasNoTokens() {
        try (Tokenizer tokenizer = Tokenizer.open(Demo.model(), Demo.VOCABULARY)) {
            assertThat(tokenizer.encode("")).isEmpty();
        }
    }

    /** A tokenizer of whole words. */
    private void words(String vocabulary, String unknown) throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), """
                {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
                 "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
                 "model":{"type":"WordLevel","vocab":%s,"unk_token":"%s"}}""".formatted(vocabulary, unknown));
    }

    private static void encodingIsRefused(Tokenizer tokenizer, String text, String... parts) {
        Refusals.refused(ErrorCode.TOKENIZER_INVALID, () -> tokenizer.encode(text), parts);
    }

    private void refused(String... parts) {
        Refusals.refused(
                ErrorCode.TOKENIZER_INVALID,
                () -> Tokenizer.open(temp, Demo.VOCABULARY).close(),
                parts);
    }
}
