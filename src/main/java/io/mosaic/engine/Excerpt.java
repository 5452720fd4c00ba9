package io.mosaic.engine;

import java.util.regex.Pattern;

/** The start of a text that a stranger wrote, fit to stand in a message. */
public final class Excerpt {
    /** Control characters, and halves of surrogate pairs, which no JSON in UTF-8 can hold. */
    private static final Pattern UNFIT = Pattern.compile("[\\p{Cc}\\p{Cs}]");

    private Excerpt() {}

    /** Up to {@code most} characters, and an ellipsis where there were more; what is unfit is a question mark. */
    public static String of(String text, int most) {
        String cut = text.length() <= most ? text : text.substring(0, most) + "…";
        return UNFIT.matcher(cut).replaceAll("?");
    }
}
