package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Project;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** One operation of RFC 6902, of which the overlays use add and replace. A path that leads nowhere fails. */
record JsonPatch(String op, List<String> path, Object value) {
    static JsonPatch of(Map<String, Object> fields) {
        assertThat(fields.keySet()).containsExactlyInAnyOrder("op", "path", "value");
        String path = "" + fields.get("path");
        assertThat(path).startsWith("/");
        return new JsonPatch(
                "" + fields.get("op"),
                Arrays.stream(path.substring(1).split("/", -1))
                        .map(step -> step.replace("~1", "/").replace("~0", "~"))
                        .toList(),
                Objects.requireNonNull(fields.get("value")));
    }

    /** Changes the document in place. */
    void applyTo(Map<String, Object> document) {
        Object parent = document;
        for (String step : path.subList(0, path.size() - 1)) {
            parent = child(parent, step);
        }
        String last = path.getLast();
        switch (op) {
            case "add" -> add(parent, last);
            case "replace" -> {
                child(parent, last);
                replace(parent, last);
            }
            default -> throw new AssertionError(op + " is not an operation that is known here");
        }
    }

    private void add(Object parent, String last) {
        if (parent instanceof List<?>) {
            assertThat(last).as("" + path).isEqualTo("-");
            list(parent).add(value);
        } else {
            Project.map(parent).put(last, value);
        }
    }

    private void replace(Object parent, String last) {
        if (parent instanceof List<?>) {
            list(parent).set(Integer.parseInt(last), value);
        } else {
            Project.map(parent).put(last, value);
        }
    }

    private Object child(Object parent, String step) {
        Object child = parent instanceof List<?> list
                ? list.get(Integer.parseInt(step))
                : Project.map(parent).get(step);
        return Objects.requireNonNull(child, () -> path + " leads nowhere: there is no " + step);
    }

    @SuppressWarnings("unchecked")
    private static List<Object> list(Object node) {
        return (List<Object>) node;
    }
}
