package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Project;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Prometheus, its alerts and the Grafana dashboards: they read numbers that the running service really gives. */
@ServerTest
class MonitoringTests {
    private static final Pattern METRIC = Pattern.compile("\\b(?:mosaic|disk)_[a-z_]+(?:\\.\\*)?");

    private final Api api;

    MonitoringTests(Api api) {
        this.api = api;
    }

    @Test
    void everyMetricOfDashboardsAndAlertsIsExposed() {
        Set<String> exposed = exposedAfterAJob();
        Set<String> wanted = new LinkedHashSet<>();
        expressions().forEach(expression -> wanted.addAll(metrics(expression)));

        assertThat(wanted).contains("mosaic_jobs", "mosaic_queue_age_seconds");
        for (String metric : wanted) {
            assertThat(exposed).as(metric).anyMatch(name -> name.matches(metric));
        }
    }

    @Test
    void everyLabelOfALegendIsOneOfItsMetric() {
        String scrape = scrapeAfterAJob();
        for (JsonNode target : targets()) {
            for (String label :
                    found("\\{\\{(\\w+)}}", target.path("legendFormat").stringValue())) {
                for (String metric : metrics(target.path("expr").stringValue())) {
                    assertThat(scrape.lines().filter(line -> line.matches(metric + "\\{.*")))
                            .as(metric)
                            .isNotEmpty()
                            .allMatch(line -> line.contains(label + "=\""));
                }
            }
        }
    }

    @Test
    void prometheusReadsTheAlertsAndTheEndpointThatExist() {
        Map<String, Object> prometheus = Project.yaml("src/ops/prometheus.yml").getFirst();

        assertThat(prometheus.get("rule_files")).isEqualTo(List.of("alerts.yml"));
        assertThat(Project.text("docker-compose.yml")).contains("./src/ops/alerts.yml:/etc/prometheus/alerts.yml");
        Map<String, Object> scrape =
                Project.map(((List<?>) Objects.requireNonNull(prometheus.get("scrape_configs"))).getFirst());
        assertThat(api.get("" + scrape.get("metrics_path")).statusCode()).isEqualTo(200);
    }

    @Test
    void grafanaFindsItsSourceAndItsDashboards() {
        Map<String, Object> provider = first("src/ops/grafana/provisioning/dashboards/mosaic.yml", "providers");
        Map<String, Object> source = first("src/ops/grafana/provisioning/datasources/prometheus.yml", "datasources");

        assertThat(Project.text("docker-compose.yml"))
                .contains("./src/ops/grafana/dashboards:"
                        + Project.map(Objects.requireNonNull(provider.get("options")))
                                .get("path"));
        assertThat(dashboard().path("panels"))
                .isNotEmpty()
                .allSatisfy(
                        panel -> assertThat(panel.path("datasource").path("uid").stringValue())
                                .isEqualTo(source.get("uid")));
        assertThat(dashboard().path("panels"))
                .extracting(panel -> panel.path("id").intValue())
                .doesNotHaveDuplicates();
    }

    private static Map<String, Object> first(String file, String list) {
        return Project.map(
                ((List<?>) Objects.requireNonNull(Project.yaml(file).getFirst().get(list))).getFirst());
    }

    private static JsonNode dashboard() {
        return JsonMapper.shared().readTree(Project.text("src/ops/grafana/dashboards/mosaic.json"));
    }

    private static List<JsonNode> targets() {
        return dashboard()
                .path("panels")
                .valueStream()
                .flatMap(panel -> panel.path("targets").valueStream())
                .toList();
    }

    private static List<String> expressions() {
        List<String> expressions = new ArrayList<>();
        targets().forEach(target -> expressions.add(target.path("expr").stringValue()));
        Map<String, Object> group = first("src/ops/alerts.yml", "groups");
        for (Object rule : (List<?>) Objects.requireNonNull(group.get("rules"))) {
            assertThat(Project.map(rule).keySet())
                    .contains("alert", "expr")
                    .isSubsetOf("alert", "expr", "for", "annotations");
            expressions.add("" + Project.map(rule).get("expr"));
        }
        return expressions;
    }

    private static List<String> metrics(String expression) {
        return METRIC.matcher(expression).results().map(MatchResult::group).toList();
    }

    private static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private Set<String> exposedAfterAJob() {
        return scrapeAfterAJob()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("[{ ]")[0])
                .collect(Collectors.toSet());
    }

    /** Some numbers are there from the first job on that measures them. */
    private String scrapeAfterAJob() {
        ObjectNode request = Requests.tiny("monitored/" + UUID.randomUUID());
        request.withObject("/evaluation").put("latency", true);
        api.awaitEnd(api.submit(request), "SUCCEEDED");
        return api.get("/actuator/prometheus").body();
    }
}
