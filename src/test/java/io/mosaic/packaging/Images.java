package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;

/** What is asked of every image that is named. */
final class Images {
    private Images() {}

    /** Asserts a version that does not move under us: a tag with a digit, not "latest". */
    static void assertPinned(String image) {
        assertThat(image).as("image").matches("[a-z0-9./-]+:[A-Za-z.-]*\\d[A-Za-z0-9.-]*");
    }
}
