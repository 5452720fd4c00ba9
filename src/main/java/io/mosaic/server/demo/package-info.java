/** The trained model that ships with Mosaic, and its first job. */
@NullMarked
package io.mosaic.server.demo;

import org.jspecify.annotations.NullMarked;
