package io.mosaic.server.demo;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/** @param enabled whether a first start installs the demo model and, with the embedded database, prunes it */
@ConfigurationProperties("mosaic.demo")
record DemoProperties(@DefaultValue("true") boolean enabled) {}
