package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Refusals;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
    @ValueSource(strings = {"{}", "{\"model\":{\"type\":\"Quantum\"}}", "{\"model\":7}"})
    void fileThatIsNoTokenizerIsRefused(String content) throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), content);
        refused("tokenizer.json", "cannot be read");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{", "\u0000\u0001", "{\"model\":{},\"model\":{}}", "{} {}", "{\"decoder\":{\"type\":\"Byte"})
    void fileThatIsNotJsonIsRefused(String content) throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), content);
        refused("tokenizer.json", "is not valid JSON at line 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null"})
    void fileThatIsNoObjectIsRefused(String content) throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), content);
        refused("tokenizer.json", "is not a JSON object");
    }

    /** What the library would end the process for. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'model':{'type':'BPE','continuing_subword_prefix':'##'}} | continuing_subword_prefix '##'",
                "{'normalizer':{'type':'Precompiled'}} | normalizer 'Precompiled'; supported are Sequence, ",
                "{'normalizer':{'precompiled_charsmap':''}} | normalizer ''",
                "{'normalizer':{'type':'Sequence','normalizers':[{'type':'Strip'}]}} | normalizer 'Strip'",
                "{'normalizer':{'type':'Prepend','prepend':''}} | Prepend whose prepend is no text or empty",
                "{'normalizer':{'type':'Replace','pattern':{'String':''},'content':'x'}} | Replace whose String is",
                "{'normalizer':{'type':'Replace','pattern':{'Regex':'a*'},'content':'x'}} | Replace whose String is",
                "{'normalizer':{'type':'Replace','pattern':{'String':'x'},'content':''}} | Replace whose content is",
                "{'added_tokens':[{'content':'\u00a0 ','lstrip':true}]} | added token '\u00a0 ' that is blank and lstrip"
            })
    void whatTheLibraryCannotBearIsRefused(String content, String fault) throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), content.replace('\'', '"'));
        refused("tokenizer.json", fault);
    }

    @Test
    void fileLargerThanAnyTokenizerIsRefusedWithItsLimit() throws IOException {
        try (RandomAccessFile hole =
                new RandomAccessFile(temp.resolve("tokenizer.json").toFile(), "rw")) {
            hole.setLength((1 << 26) + 1);
        }
        refused("67108865 bytes", "the limit is 67108864");
    }

    @Test
    void textOfTooManySpacesIsRefusedWithTheLimit() {
        try (Tokenizer tokenizer = Tokenizer.open(Demo.model(), Demo.VOCABULARY)) {
            Refusals.refused(
                    ErrorCode.CORPUS_INVALID,
                    () -> tokenizer.encode("a" + " \n\u00a0".repeat(333_334) + "b"),
                    "more than 1000000 characters of white space");
        }
    }

    @Test
    void fileThatNestsDeepIsRefused() throws IOException {
        Files.writeString(temp.resolve("tokenizer.json"), "[".repeat(100_000));
        refused("tokenizer.json", "is not valid JSON", "depth");
    }

    @Test
    void truncatedFileIsRefused() throws IOException {
        String whole = Files.readString(Demo.model().resolve("tokenizer.json"));
        Files.writeString(temp.resolve("tokenizer.json"), whole.substring(0, whole.length() / 2));
        refused("tokenizer.json", "is not valid JSON");
    }

    /** It says whether a BOS begins a text. */
    @ParameterizedTest
    @ValueSource(strings = {"{", "{\"add_bos_token\": true", "{\"a\":1,\"a\":2}"})
    void tornCompanionFileIsRefused(String content) throws IOException {
        Checkpoints.copy(Demo.model(), temp.resolve("model"));
        Files.writeString(temp.resolve("model/tokenizer_config.json"), content);
        Refusals.refused(
                ErrorCode.TOKENIZER_INVALID,
                () -> Tokenizer.open(temp.resolve("model"), Demo.VOCABULARY),
                "tokenizer_config.json",
                "is not valid JSON");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "7", "{\"model_max_length\":\"many\"}"})
    void oddCompanionFileIsOfNoConsequence(String content) throws IOException {
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
