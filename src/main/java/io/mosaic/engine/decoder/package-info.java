/** The decoder in its textbook parts, computed layer by layer from an architecture. */
@NullMarked
package io.mosaic.engine.decoder;

import org.jspecify.annotations.NullMarked;
