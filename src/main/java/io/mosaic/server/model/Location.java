package io.mosaic.server.model;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A model's folder in the object store: each attempt has its own, so that none overwrites another's files. */
public record Location(ModelId model, UUID job, int attempt) {
    private static final Pattern PATTERN =
            Pattern.compile("(.+)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([1-9][0-9]{0,8})");

    /** Reads the form that {@link #toString} writes; empty for anything else. */
    public static Optional<Location> parse(String text) {
        Matcher matcher = PATTERN.matcher(text);
        return matcher.matches()
                ? ModelId.parse(matcher.group(1))
                        .map(model -> new Location(
                                model, UUID.fromString(matcher.group(2)), Integer.parseInt(matcher.group(3))))
                : Optional.empty();
    }

    /** The folder's name in the object store. */
    public String folder() {
        return this + "/";
    }

    /** The key of a file in it. */
    String key(String path) {
        return folder() + path;
    }

    @Override
    public String toString() {
        return model + "/" + job + "-" + attempt;
    }
}
