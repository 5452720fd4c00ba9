package io.mosaic.engine;

import java.util.regex.Pattern;

/** The start of an untrusted text, made safe for a message. */
public final class Excerpt {
    /** Control characters, and halves of surrogate pairs, which no JSON in UTF-8 can hold. */
    private static final Pattern UNFIT = Pattern.compile("[\\p{Cc}\\p{Cs}]");

    private Excerpt() {}

    /** Up to {@code most} characters, with an ellipsis if there were more and question marks for unfit characters. */
    public static String of(String text, int most) {
        String cut = text.length() <= most ? text : text.substring(0, most) + "…";
        return UNFIT.matcher(cut).replaceAll("?");
    }
}
