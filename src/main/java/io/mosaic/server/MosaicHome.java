package io.mosaic.server;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The folders in which the service keeps its files.
 *
 * @param home {@code mosaic.home}, from the environment MOSAIC_HOME
 */
@ConfigurationProperties("mosaic")
public record MosaicHome(@DefaultValue("./data") Path home) {
    public MosaicHome {
        home = home.toAbsolutePath().normalize();
    }

    /** Hugging Face model folders, as {namespace}/{name}. */
    public Path models() {
        return home.resolve("models");
    }

    /** Unfinished models, on the file system of the finished ones so that a rename publishes them. */
    public Path staging() {
        return models().resolve(".staging");
    }

    /** Texts, as {name}.txt. */
    public Path corpora() {
        return home.resolve("corpora");
    }

    /** Data of the embedded PostgreSQL, if it is used. */
    public Path database() {
        return home.resolve("database");
    }
}
