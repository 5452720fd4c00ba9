package io.mosaic.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExcerptTests {
    @ParameterizedTest
    @CsvSource({
        "short, short",
        "exact, exact",
        "longer, longe…",
        "a\u0000b\u0085c, a?b?c",
        "\ud800x\udc00, ?x?",
        "gr\u00f6\ud83d\ude00, gr\u00f6\ud83d\ude00",
        "abcd\ud83d\ude00, abcd?…"
    })
    void isCutAndFitForAMessage(String text, String excerpt) {
        assertThat(Excerpt.of(text, 5)).isEqualTo(excerpt);
    }
}
