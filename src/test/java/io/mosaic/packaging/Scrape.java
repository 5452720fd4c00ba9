package io.mosaic.packaging;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** What the running service tells Prometheus. */
record Scrape(List<String> samples) {
    private static final Pattern METRIC = Pattern.compile("\\b(?:mosaic|disk)_[a-z_]+(?:\\.\\*)?");

    /** Some numbers are there from the first job on that measures them. */
    static Scrape afterAJob(Api api) {
        ObjectNode request = Requests.tiny("monitored/" + UUID.randomUUID());
        request.withObject("/evaluation").put("latency", true);
        api.awaitEnd(api.submit(request), "SUCCEEDED");
        return new Scrape(api.get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .toList());
    }

    /** The metrics that an expression or a text names. */
    static List<String> metrics(String text) {
        return METRIC.matcher(text).results().map(MatchResult::group).toList();
    }

    Set<String> names() {
        return samples.stream().map(sample -> sample.split("[{ ]")[0]).collect(Collectors.toSet());
    }

    /** Of one metric, with their labels. */
    Stream<String> labelled(String metric) {
        return samples.stream().filter(sample -> sample.matches(metric + "\\{.*"));
    }
}
