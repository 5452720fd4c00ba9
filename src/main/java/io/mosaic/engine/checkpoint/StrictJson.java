package io.mosaic.engine.checkpoint;

import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON from strangers: duplicate keys and trailing text are faults. */
final class StrictJson {
    static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final int QUOTED = 120;

    private StrictJson() {}

    /** {@code text} for a message: cut to a readable length, control characters replaced. */
    static String quote(String text) {
        String cut = text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "…";
        return "'" + cut.replaceAll("\\p{Cntrl}", "?") + "'";
    }
}
