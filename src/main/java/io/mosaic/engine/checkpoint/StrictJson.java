package io.mosaic.engine.checkpoint;

import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON from strangers: duplicate keys and trailing text are faults. */
public final class StrictJson {
    public static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final int QUOTED = 120;

    /** What Jackson adds in terms of its own classes and options. */
    private static final Pattern JARGON = Pattern.compile(
            " ?\\(((?:start marker|for \\w+ starting) at \\[.*?]|bound as `.*?`)\\)|, from `.*?`|: (not allowed as per|enable) `.*"
                    + "| \\((not recognized as one since|consider enabling) .*");

    private StrictJson() {}

    /** What is wrong with the text, and in which line and column of it. */
    public static String fault(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        String place =
                at == null || at.getLineNr() < 1 ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
        return "is not valid JSON" + place + ": "
                + cut(JARGON.matcher(e.getOriginalMessage()).replaceAll(""));
    }

    /** {@code text} for a message: cut to a readable length, control characters replaced. */
    static String quote(String text) {
        return "'" + cut(text) + "'";
    }

    private static String cut(String text) {
        String cut = text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "…";
        return cut.replaceAll("\\p{Cntrl}", "?");
    }
}
