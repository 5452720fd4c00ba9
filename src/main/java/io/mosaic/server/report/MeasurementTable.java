package io.mosaic.server.report;

import io.mosaic.engine.MeasurementStore;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.json.JsonMapper;

/** Measurements of dense models as JSON documents in a table of the database, so that every worker reuses them. */
public final class MeasurementTable<T> implements MeasurementStore<T> {
    private final JdbcClient jdbc;
    private final JsonMapper json;
    private final String table;
    private final Class<T> type;

    /** @param table one of the schema's own tables, never client input */
    MeasurementTable(JdbcClient jdbc, JsonMapper json, String table, Class<T> type) {
        this.jdbc = jdbc;
        this.json = json;
        this.table = table;
        this.type = type;
    }

    @Override
    public Optional<T> find(String key) {
        return jdbc.sql("select document from " + table + " where key = :key")
                .param("key", key)
                .query(String.class)
                .optional()
                .map(document -> json.readValue(document, type));
    }

    @Override
    public void save(String key, T measurement) {
        jdbc.sql("insert into " + table
                        + " (key, document) values (:key, cast(:document as json)) on conflict (key) do nothing")
                .param("key", key)
                .param("document", json.writeValueAsString(measurement))
                .update();
    }

    /**
     * This store for one run: every measurement that the run finds or saves can be found by {@code alias} afterwards.
     *
     * @param alias a hash of the facts about the measurement's inputs that are cheap to obtain
     */
    public MeasurementStore<T> under(String alias) {
        return new MeasurementStore<>() {
            @Override
            public Optional<T> find(String key) {
                Optional<T> found = MeasurementTable.this.find(key);
                found.ifPresent(measurement -> name(key));
                return found;
            }

            @Override
            public void save(String key, T measurement) {
                MeasurementTable.this.save(key, measurement);
                name(key);
            }

            private void name(String key) {
                jdbc.sql("update " + table + " set alias = :alias where key = :key and alias is distinct from :alias")
                        .param("alias", alias)
                        .param("key", key)
                        .update();
            }
        };
    }

    /** The newest measurement under an alias. */
    public Optional<T> findByAlias(String alias) {
        return jdbc.sql("select document from " + table + " where alias = :alias order by created_at desc limit 1")
                .param("alias", alias)
                .query(String.class)
                .optional()
                .map(document -> json.readValue(document, type));
    }
}
