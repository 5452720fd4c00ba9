package io.mosaic.server.model;

import java.util.Optional;
import java.util.regex.Pattern;

/** {@code namespace/name}; both are plain folder names, so no id leads out of the store. */
public record ModelId(String namespace, String name) {
    /** The pattern of both parts. */
    public static final String PART = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?";

    /** The rule in words, for messages. */
    public static final String RULE =
            "namespace/name, each 1 to 96 letters, digits, '.', '_' or '-', beginning with a letter or digit,"
                    + " ending with neither '.' nor '-', without '..'";

    private static final Pattern PATTERN = Pattern.compile(PART);

    public ModelId {
        if (!valid(namespace) || !valid(name)) {
            throw new IllegalArgumentException("Not a model id: " + namespace + "/" + name);
        }
    }

    public static Optional<ModelId> parse(String id) {
        int slash = id.indexOf('/');
        if (slash < 0) {
            return Optional.empty();
        }
        return of(id.substring(0, slash), id.substring(slash + 1));
    }

    public static Optional<ModelId> of(String namespace, String name) {
        return valid(namespace) && valid(name) ? Optional.of(new ModelId(namespace, name)) : Optional.empty();
    }

    private static boolean valid(String part) {
        return PATTERN.matcher(part).matches() && !part.contains("..");
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
