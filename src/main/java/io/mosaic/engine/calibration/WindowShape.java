package io.mosaic.engine.calibration;

import java.util.OptionalInt;

/**
 * The form of a token window.
 *
 * @param length tokens, including a BOS
 * @param bos the first token; empty if windows hold text only
 */
public record WindowShape(int length, OptionalInt bos) {
    /** Tokens of text. */
    public int textLength() {
        return bos.isPresent() ? length - 1 : length;
    }

    /** The window whose text begins at a token. */
    public int[] cut(int[] tokens, int start) {
        int[] window = new int[length];
        bos.ifPresent(id -> window[0] = id);
        System.arraycopy(tokens, start, window, length - textLength(), textLength());
        return window;
    }
}
