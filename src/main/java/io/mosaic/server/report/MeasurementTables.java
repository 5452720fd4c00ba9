package io.mosaic.server.report;

import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.evaluation.DensePerplexity;
import io.mosaic.engine.ranking.OutlierRanking;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.json.JsonMapper;

@Configuration(proxyBeanMethods = false)
class MeasurementTables {
    @Bean
    MeasurementTable<OutlierRanking> rankings(JdbcClient jdbc, JsonMapper json) {
        return new MeasurementTable<>(jdbc, json, "ranking", OutlierRanking.class);
    }

    @Bean
    MeasurementTable<DensePerplexity> densePerplexities(JdbcClient jdbc, JsonMapper json) {
        return new MeasurementTable<>(jdbc, json, "dense_perplexity", DensePerplexity.class);
    }

    @Bean
    MeasurementTable<SensitivityProfile> sensitivityProfiles(JdbcClient jdbc, JsonMapper json) {
        return new MeasurementTable<>(jdbc, json, "sensitivity_profile", SensitivityProfile.class);
    }
}
