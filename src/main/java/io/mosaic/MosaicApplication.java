package io.mosaic;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** Starts the service. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class MosaicApplication {
    public static void main(String[] args) {
        // DJL reads these before anything else runs: no calls to the network, no usage figures sent
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        SpringApplication.run(MosaicApplication.class, args);
    }
}
