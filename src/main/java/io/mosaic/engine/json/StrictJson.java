package io.mosaic.engine.json;

import io.mosaic.engine.Excerpt;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Parses untrusted JSON: duplicate keys and trailing text are faults. */
public final class StrictJson {
    /** One and a half times those of the largest tokenizers; a tree takes about 100 bytes for each. */
    private static final long MOST_TOKENS = 4_000_000;

    public static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MOST_TOKENS)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final int QUOTED = 120;

    /** Parts of Jackson's messages about its own classes and options. */
    private static final Pattern JARGON = Pattern.compile(
            " ?\\(((?:start marker|for \\w+ starting) at \\[.*?]|bound as `.*?`)\\)|, from `.*?`|: (not allowed as per|enable) `.*"
                    + "| \\((not recognized as one since|consider enabling) .*");

    private StrictJson() {}

    /** The fault of a text, with its line and column. */
    public static String fault(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        String place =
                at == null || at.getLineNr() < 1 ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
        return "is not valid JSON" + place + ": "
                + Excerpt.of(JARGON.matcher(e.getOriginalMessage()).replaceAll(""), QUOTED);
    }

    /** {@code text} quoted for a message. */
    public static String quote(String text) {
        return "'" + Excerpt.of(text, QUOTED) + "'";
    }
}
