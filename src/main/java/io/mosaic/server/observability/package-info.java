/** Micrometer metrics and health. */
@NullMarked
package io.mosaic.server.observability;

import org.jspecify.annotations.NullMarked;
