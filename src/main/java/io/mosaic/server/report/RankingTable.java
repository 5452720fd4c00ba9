package io.mosaic.server.report;

import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.ranking.RankingStore;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import tools.jackson.databind.json.JsonMapper;

/** Rankings in the database, so that every worker reuses them. */
@Repository
class RankingTable implements RankingStore {
    private final JdbcClient jdbc;
    private final JsonMapper json;

    RankingTable(JdbcClient jdbc, JsonMapper json) {
        this.jdbc = jdbc;
        this.json = json;
    }

    @Override
    public Optional<OutlierRanking> find(String key) {
        return jdbc.sql("select document from ranking where key = :key")
                .param("key", key)
                .query(String.class)
                .optional()
                .map(document -> json.readValue(document, OutlierRanking.class));
    }

    @Override
    public void save(String key, OutlierRanking ranking) {
        jdbc.sql("""
                        insert into ranking (key, document) values (:key, cast(:document as json))
                        on conflict (key) do nothing
                        """)
                .param("key", key)
                .param("document", json.writeValueAsString(ranking))
                .update();
    }
}
