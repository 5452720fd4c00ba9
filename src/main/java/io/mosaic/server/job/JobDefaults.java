package io.mosaic.server.job;

import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Corpora for requests that name none.
 *
 * @param calibrationCorpus for calibration
 * @param evaluationCorpora for measuring perplexity
 */
@ConfigurationProperties("mosaic.defaults")
record JobDefaults(
        @DefaultValue("demo-calibration") String calibrationCorpus,
        @DefaultValue("demo-test") List<String> evaluationCorpora) {}
