package io.mosaic;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts the service. */
@SpringBootApplication
public class MosaicApplication {
    public static void main(String[] args) {
        SpringApplication.run(MosaicApplication.class, args);
    }
}
