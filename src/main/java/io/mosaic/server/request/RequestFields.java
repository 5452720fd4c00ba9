package io.mosaic.server.request;

import io.mosaic.engine.Excerpt;
import io.mosaic.server.error.Violation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads the fields of one JSON object and notes every fault, where a mapper would stop at the first. */
public final class RequestFields {
    private static final int SHOWN = 60;
    private static final int TOLD = 20;

    private final String path;
    private final ObjectNode node;
    private final List<Violation> violations;
    private final Set<String> known = new LinkedHashSet<>();

    public RequestFields(ObjectNode node, List<Violation> violations) {
        this("", node, violations);
    }

    private RequestFields(String path, ObjectNode node, List<Violation> violations) {
        this.path = path;
        this.node = node;
        this.violations = violations;
    }

    public Optional<String> text(String field) {
        return value(field)
                .flatMap(
                        value -> value.isString() ? Optional.of(value.stringValue()) : wrong(field, value, "a string"));
    }

    /** A finite number, above {@code above} and at most {@code most}. */
    public Optional<Double> above(String field, double above, double most) {
        return value(field).flatMap(value -> above(field, value, above, most));
    }

    private Optional<Double> above(String field, JsonNode value, double above, double most) {
        return number(field, value)
                .filter(number -> within(
                        field,
                        number,
                        number > above && number <= most,
                        "above " + plain(above) + " and at most " + plain(most)));
    }

    /**
     * A finite number above {@code above} and at most {@code most}, or a list of up to {@code longest} different ones.
     */
    public Optional<List<Double>> aboveEach(String field, double above, double most, int longest) {
        Optional<JsonNode> list = value(field).filter(JsonNode::isArray);
        if (list.isEmpty()) {
            return above(field, above, most).map(List::of);
        }
        int size = list.get().size();
        if (size == 0 || size > longest) {
            return wrong(field, list.get(), "a number or a list of 1 to " + longest + " numbers");
        }
        Set<Double> numbers = new LinkedHashSet<>();
        for (int i = 0; i < size; i++) {
            String element = field + "[" + i + "]";
            above(element, list.get().get(i), above, most)
                    .filter(number -> !numbers.add(number))
                    .ifPresent(number -> fault(element, number + " is there twice"));
        }
        return numbers.size() == size ? Optional.of(List.copyOf(numbers)) : Optional.empty();
    }

    /** A finite number from {@code least} to {@code most}. */
    public Optional<Double> between(String field, double least, double most) {
        return number(field)
                .filter(number -> within(
                        field,
                        number,
                        number >= least && number <= most,
                        "from " + plain(least) + " to " + plain(most)));
    }

    /** A finite number from {@code least} to {@code most}, or one word. */
    public Optional<Object> betweenOr(String field, double least, double most, String word) {
        Optional<JsonNode> value = value(field);
        if (value.filter(JsonNode::isString).isEmpty()) {
            return between(field, least, most).map(number -> number);
        }
        return value.flatMap(text -> text.stringValue().equals(word)
                ? Optional.of(word)
                : wrong(field, text, "a number from " + plain(least) + " to " + plain(most) + " or " + word));
    }

    public Optional<Long> whole(String field) {
        return value(field)
                .flatMap(value -> value.isIntegralNumber() && value.canConvertToLong()
                        ? Optional.of(value.longValue())
                        : wrong(field, value, "a whole number"));
    }

    /** A whole number above 0; the caller checks the upper limit. */
    public Optional<Integer> count(String field) {
        return count(field, 1);
    }

    /** A whole number from {@code least} on. */
    public Optional<Integer> count(String field, int least) {
        return count(field, least, Integer.MAX_VALUE);
    }

    /** A whole number from {@code least} to {@code most}. */
    public Optional<Integer> count(String field, int least, int most) {
        return whole(field)
                .filter(number ->
                        within(field, number, number >= least && number <= most, "from " + least + " to " + most))
                .map(Math::toIntExact);
    }

    public Optional<Boolean> flag(String field) {
        return value(field)
                .flatMap(value ->
                        value.isBoolean() ? Optional.of(value.booleanValue()) : wrong(field, value, "true or false"));
    }

    /** One of an enum's words. */
    public <E extends Enum<E>> Optional<E> choice(String field, Class<E> type) {
        E[] constants = type.getEnumConstants();
        String allowed = Arrays.stream(constants).map(Enum::toString).collect(Collectors.joining(", "));
        return text(field).flatMap(word -> {
            Optional<E> chosen = Arrays.stream(constants)
                    .filter(constant -> constant.toString().equals(word))
                    .findFirst();
            if (chosen.isEmpty()) {
                fault(field, quoted(word) + " is not one of " + allowed);
            }
            return chosen;
        });
    }

    public Optional<List<String>> texts(String field) {
        return value(field).flatMap(value -> {
            if (!value.isArray()) {
                return wrong(field, value, "a list of strings");
            }
            List<String> texts = new ArrayList<>();
            for (JsonNode element : value) {
                if (!element.isString()) {
                    return wrong(field, element, "a string");
                }
                texts.add(element.stringValue());
            }
            return Optional.of(texts);
        });
    }

    /** A nested object; an absent one has no fields. */
    public RequestFields object(String field) {
        ObjectNode empty = JsonNodeFactory.instance.objectNode();
        ObjectNode child = value(field)
                .map(value -> {
                    if (value instanceof ObjectNode object) {
                        return object;
                    }
                    wrong(field, value, "an object");
                    return empty;
                })
                .orElse(empty);
        return new RequestFields(path + field + ".", child, violations);
    }

    /** Reports fields not read so far as unknown, the first few of them. */
    public void end() {
        List<String> unknown = node.propertyNames().stream()
                .filter(name -> !known.contains(name))
                .toList();
        for (String name : unknown.subList(0, Math.min(TOLD, unknown.size()))) {
            violations.add(
                    new Violation(path + shortened(name), "unknown field; known are " + String.join(", ", known)));
        }
        if (unknown.size() > TOLD) {
            violations.add(new Violation(path + "…", (unknown.size() - TOLD) + " more unknown fields"));
        }
    }

    public boolean absent(String field) {
        return value(field).isEmpty();
    }

    public void fault(String field, String message) {
        violations.add(new Violation(path + field, message));
    }

    private Optional<Double> number(String field) {
        return value(field).flatMap(value -> number(field, value));
    }

    private Optional<Double> number(String field, JsonNode value) {
        // asDouble throws for a whole number beyond the range of double
        double number = value.isBigInteger() ? value.bigIntegerValue().doubleValue() : value.asDouble(Double.NaN);
        return value.isNumber() && Double.isFinite(number) ? Optional.of(number) : wrong(field, value, "a number");
    }

    private Optional<JsonNode> value(String field) {
        known.add(field);
        return Optional.ofNullable(node.get(field)).filter(value -> !value.isNull());
    }

    private boolean within(String field, Number number, boolean fits, String range) {
        if (!fits) {
            fault(field, number + " is not " + range);
        }
        return fits;
    }

    private <T> Optional<T> wrong(String field, JsonNode value, String expected) {
        fault(field, shortened(value.toString()) + " is not " + expected);
        return Optional.empty();
    }

    public static String quoted(String text) {
        return "'" + shortened(text) + "'";
    }

    private static String shortened(String text) {
        return Excerpt.of(text, SHOWN);
    }

    private static String plain(double value) {
        return value == Math.rint(value) ? String.format(Locale.ROOT, "%.0f", value) : Double.toString(value);
    }
}
