package io.mosaic.server.database;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Project;
import io.mosaic.fixture.Requests;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Expand, then contract: a schema serves the workers of the one before it, so that a release is rolled out while jobs
 * run.
 */
@IdleServerTest
class UpgradeTests {
    private static final String BEFORE = "src/test/resources/upgrade/worker-of-schema-4.sql";

    private final JdbcClient jdbc;
    private final Api api;

    UpgradeTests(JdbcClient jdbc, Api api) {
        this.jdbc = jdbc;
        this.api = api;
    }

    /** The tests of this database share their tables, and the oldest job is claimed. */
    @AfterEach
    void emptyTables() {
        List.of("artifact", "model", "job")
                .forEach(table -> jdbc.sql("delete from " + table).update());
    }

    @Test
    void workersOfTheSchemaBeforeGoOn() {
        UUID id = UUID.randomUUID();
        String output = "upgrade/" + id;
        String request = api.job(api.submit(Requests.tiny(output + "-resolved")))
                .path("request")
                .toString();
        emptyTables();
        Map<String, Object> parameters =
                Map.of("id", id, "output", output, "request", request, "worker", "old", "lease", 60_000, "attempt", 1);

        statements()
                .forEach((name, sql) -> assertThat(
                                jdbc.sql(sql).params(parameters).update())
                        .as(name)
                        .isEqualTo(1));

        assertThat(Api.state(api.job(id.toString()))).isEqualTo("SUCCEEDED");
        assertThat(api.job(id.toString()).path("request").toString()).isEqualTo(request);
    }

    /** By name, in the order in which a worker sends them. */
    private static Map<String, String> statements() {
        Map<String, String> statements = new LinkedHashMap<>();
        List<String> parts = Arrays.asList(Project.text(BEFORE).split("\n-- (?=[a-z]+\n)"));
        for (String part : parts.subList(1, parts.size())) {
            String[] named = part.split("\n", 2);
            statements.put(named[0], Objects.requireNonNull(named[1]).strip().replaceFirst(";$", ""));
        }
        return statements;
    }
}
