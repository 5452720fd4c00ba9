package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Project;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is asked of every image that is named. */
public final class Images {
    private static final Pattern VERSION =
            Pattern.compile("<artifactId>mosaic</artifactId>\\s*<version>([^<]+)</version>");

    private Images() {}

    /** The image of a target of the Dockerfile; its tag is the version of the project. */
    public static String ours(String name) {
        Matcher version = VERSION.matcher(Project.text("pom.xml"));
        assertThat(version.find()).isTrue();
        return name + ":" + version.group(1);
    }

    /** Asserts a version that does not move under us: a tag with a digit, not "latest". */
    public static void assertPinned(String image) {
        assertThat(image).as("image").matches("[a-z0-9./-]+:[A-Za-z.-]*\\d[A-Za-z0-9.-]*");
    }
}
