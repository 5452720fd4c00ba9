package io.mosaic.server.database;

import io.mosaic.server.MosaicHome;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;

/** A real PostgreSQL where none is configured, that is, where {@code spring.datasource.url} is absent. */
@AutoConfiguration(before = DataSourceAutoConfiguration.class)
@ConditionalOnProperty(name = "spring.datasource.url", matchIfMissing = true, havingValue = "\0none")
@EnableConfigurationProperties(MosaicHome.class)
public class EmbeddedPostgresAutoConfiguration {
    /** Data directory, named after the server's major version because no other version can read it. */
    private static final String DIRECTORY = "postgresql-18";

    /** Present only if the database is the service's own. */
    @Bean
    @ConditionalOnMissingBean(JdbcConnectionDetails.class)
    EmbeddedDatabase embeddedDatabase(MosaicHome home) {
        return EmbeddedDatabase.start(home.database().resolve(DIRECTORY));
    }
}
