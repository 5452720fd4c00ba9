package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Demo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The demo tokenizer against ids that the reference tokenizer library gave. */
class GoldenTokenizerTests {
    static Tokenizer tokenizer;

    @BeforeAll
    static void open() {
        tokenizer = Tokenizer.open(Demo.model(), Demo.VOCABULARY);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    static Stream<JsonNode> samples() {
        return Demo.golden("tokenizer").path("samples").valueStream();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void awkwardTextsGiveTheReferenceIds(JsonNode sample) {
        assertThat(tokenizer.encode(sample.path("text").stringValue())).isEqualTo(Demo.ints(sample.path("ids")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"calibration", "test"})
    void corpusIsTokenisedWholeAndToTheReferenceIds(String corpus) throws IOException {
        JsonNode golden = Demo.golden("tokenizer").path("demo." + corpus);
        byte[] bytes = Files.readAllBytes(Demo.corpus("demo-" + corpus));
        assertThat(bytes).hasSize(golden.path("bytes").intValue());
        assertThat(sha256(bytes)).isEqualTo(golden.path("sha256_text").stringValue());
        int[] ids = Demo.tokens("demo-" + corpus);
        assertThat(ids).hasSize(golden.path("tokens").intValue());
        assertThat(Arrays.copyOf(ids, 32)).isEqualTo(Demo.ints(golden.path("first32")));
        ByteBuffer words = ByteBuffer.allocate(ids.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        Arrays.stream(ids).forEach(id -> words.putShort((short) id));
        assertThat(sha256(words.array()))
                .isEqualTo(golden.path("sha256_ids_u16le").stringValue());
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
