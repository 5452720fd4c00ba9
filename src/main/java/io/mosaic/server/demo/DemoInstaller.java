package io.mosaic.server.demo;

import io.mosaic.server.MosaicHome;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.stereotype.Component;

/** Puts the model and the texts that ship with Mosaic into an empty home. */
@Component
class DemoInstaller {
    private static final Logger log = LoggerFactory.getLogger(DemoInstaller.class);
    static final ModelId MODEL = new ModelId("mosaic", "demo");

    private final MosaicHome home;
    private final ModelStore store;

    DemoInstaller(MosaicHome home, ModelStore store) {
        this.home = home;
        this.store = store;
    }

    /** Installs what a home without any model, or without any corpus, lacks. */
    void install() {
        try {
            if (store.empty()) {
                Path staged = store.stageCopy();
                try {
                    copy("classpath*:demo/model/*", staged);
                    store.seal(staged);
                    store.publish(staged, MODEL, false);
                } finally {
                    store.discard(staged.getFileName().toString());
                }
                log.info("Installed the demo model as {}", MODEL);
            }
            if (!Files.isDirectory(home.corpora())) {
                Files.createDirectories(home.corpora());
            }
            copy("classpath*:demo/corpora/*", home.corpora());
        } catch (IOException e) {
            throw new UncheckedIOException("The demo cannot be installed in " + home.home(), e);
        }
    }

    private static void copy(String pattern, Path folder) throws IOException {
        for (Resource resource : new PathMatchingResourcePatternResolver().getResources(pattern)) {
            Path target = folder.resolve(String.valueOf(resource.getFilename()));
            if (!Files.exists(target)) {
                Path part = folder.resolve("." + target.getFileName());
                try (InputStream in = resource.getInputStream()) {
                    Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                }
                Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }
}
