package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Project;
import io.mosaic.fixture.ServerTest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Prometheus, its alerts and the Grafana dashboards: they read numbers that the running service really gives. */
@ServerTest
class MonitoringTests {
    private final Api api;

    MonitoringTests(Api api) {
        this.api = api;
    }

    @Test
    void everyMetricThatIsReadIsExposed() {
        Set<String> exposed = Scrape.afterAJob(api).names();
        Set<String> wanted = new LinkedHashSet<>(Scrape.metrics(Project.text("src/docs/operations.md")));
        expressions().forEach(expression -> wanted.addAll(Scrape.metrics(expression)));

        assertThat(wanted).contains("mosaic_jobs", "mosaic_queue_age_seconds", "mosaic_queue_depth");
        for (String metric : wanted) {
            assertThat(exposed).as(metric).anyMatch(name -> name.matches(metric));
        }
    }

    @Test
    void everyLabelOfALegendIsOneOfItsMetric() {
        Scrape scrape = Scrape.afterAJob(api);
        for (JsonNode target : targets()) {
            for (String label :
                    Project.found("\\{\\{(\\w+)}}", target.path("legendFormat").stringValue())) {
                for (String metric : Scrape.metrics(target.path("expr").stringValue())) {
                    assertThat(scrape.labelled(metric))
                            .as(metric)
                            .isNotEmpty()
                            .allMatch(sample -> sample.contains(label + "=\""));
                }
            }
        }
    }

    @Test
    void parenthesesOfExpressionsMatch() {
        assertThat(expressions())
                .allSatisfy(expression -> assertThat(
                                expression.chars().filter(c -> c == '(').count())
                        .isEqualTo(expression.chars().filter(c -> c == ')').count()));
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

    /** All that is asked of Prometheus: by the dashboard, the alerts, and what scales workers. */
    private static List<String> expressions() {
        List<String> expressions = new ArrayList<>();
        targets().forEach(target -> expressions.add(target.path("expr").stringValue()));
        Alert.all().forEach(alert -> expressions.add(alert.expr()));
        expressions.addAll(
                Project.found("query: >-\n +(.*)\n", Project.text("k8s/components/keda/scaled-object.yaml")));
        return expressions;
    }
}
