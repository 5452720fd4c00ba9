package io.mosaic;

import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.scheduling.annotation.EnableScheduling;

/** Starts the service. */
@SpringBootApplication
@ConfigurationPropertiesScan
@EnableScheduling
public class MosaicApplication {
    public static void main(String[] args) {
        // DJL reads these before anything else runs: no calls to the network, no usage figures sent
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        ConfigurableApplicationContext context = SpringApplication.run(MosaicApplication.class, args);
        if (context.getBean(Roles.class).has(Role.MIGRATE)) {
            System.exit(SpringApplication.exit(context)); // the start has migrated
        }
    }
}
