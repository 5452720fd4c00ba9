package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.ErrorType;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Project;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** What the operator is told to look at and to do: it is there for every alert, and fits the service. */
@IdleServerTest
class RunbookTests {
    private static final String FILE = "src/docs/operations.md";
    private static final String RUNBOOK = Project.text(FILE);

    private final JdbcTemplate jdbc;
    private final TransactionTemplate transaction;

    RunbookTests(JdbcTemplate jdbc, PlatformTransactionManager transactions) {
        this.jdbc = jdbc;
        this.transaction = new TransactionTemplate(transactions);
    }

    @Test
    void everyAlertNamesItsSectionAndEverySectionIsOfAnAlert() {
        assertThat(Alert.all()).isNotEmpty().allSatisfy(alert -> {
            assertThat(alert.annotations())
                    .containsOnlyKeys("summary", "runbook")
                    .containsEntry("runbook", FILE + "#" + alert.alert().toLowerCase(Locale.ROOT));
            assertThat(alert.labels()).containsOnlyKeys("severity");
            assertThat(alert.labels().get("severity")).isIn("critical", "warning");
        });
        assertThat(sections().keySet())
                .containsExactlyInAnyOrderElementsOf(
                        Alert.all().stream().map(Alert::alert).toList());
    }

    @Test
    void everySectionNamesACommandAndTheMetricsOfItsAlert() {
        Map<String, String> sections = sections();
        for (Alert alert : Alert.all()) {
            String section = Objects.requireNonNull(sections.get(alert.alert()), alert.alert());
            assertThat(section).contains("```sh\n");
            assertThat(Scrape.metrics(section)).as(alert.alert()).containsAll(Scrape.metrics(alert.expr()));
        }
    }

    @Test
    void everyStatementRunsOnTheRealTables() {
        List<String> statements = Project.found("(?s)```sql\n(.*?)```", RUNBOOK);

        assertThat(statements).hasSizeGreaterThan(5);
        for (String statement : statements) {
            assertThatCode(() -> transaction.executeWithoutResult(status -> {
                        status.setRollbackOnly();
                        jdbc.execute(statement);
                    }))
                    .as(statement)
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void queriesWithinCommandsRunToo() {
        List<String> queries = Project.found("psql \"\\$DATABASE\" -At -c \"([^\"]+)\"", RUNBOOK);

        assertThat(queries)
                .hasSize(2)
                .allSatisfy(
                        query -> assertThatCode(() -> jdbc.queryForList(query)).doesNotThrowAnyException());
    }

    @Test
    void everyCodeIsOneThatTheServiceGives() {
        Set<String> codes = Stream.concat(Stream.of(ErrorCode.values()), Stream.of(ErrorType.values()))
                .map(Enum::name)
                .collect(Collectors.toSet());

        assertThat(Project.found("`((?!MOSAIC_)[A-Z]+(?:_[A-Z]+)+)`", RUNBOOK))
                .isNotEmpty()
                .isSubsetOf(codes);
    }

    /** Name and text of the sections about alerts. */
    private static Map<String, String> sections() {
        Map<String, String> sections = new LinkedHashMap<>();
        Pattern.compile("(?sm)^### (\\w+)\n(.*?)(?=^##)")
                .matcher(RUNBOOK)
                .results()
                .forEach(match -> sections.put(match.group(1), match.group(2)));
        return sections;
    }
}
