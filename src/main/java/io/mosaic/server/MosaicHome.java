package io.mosaic.server;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where everything lies that the service keeps.
 *
 * @param home {@code mosaic.home}, from the environment MOSAIC_HOME
 */
@ConfigurationProperties("mosaic")
public record MosaicHome(@DefaultValue("./data") Path home) {
    public MosaicHome {
        home = home.toAbsolutePath().normalize();
    }

    /** {namespace}/{name} are Hugging Face folders. */
    public Path models() {
        return home.resolve("models");
    }

    /** Unfinished models, on the file system of the finished ones so that a rename publishes them. */
    public Path staging() {
        return models().resolve(".staging");
    }

    /** {name}.txt are texts. */
    public Path corpora() {
        return home.resolve("corpora");
    }

    /** The embedded PostgreSQL, where there is one. */
    public Path database() {
        return home.resolve("database");
    }
}
