package io.mosaic.engine.architecture;

import java.util.List;

/** A model family: reads its config.json into an {@link Architecture}. */
public interface Family {
    /** Its {@code model_type}. */
    String modelType();

    /** Accepted names in {@code architectures}, the usual one first. */
    List<String> architectures();

    /** @throws io.mosaic.engine.MosaicException naming the entry that is faulty or not supported */
    Architecture read(ConfigReader config);
}
