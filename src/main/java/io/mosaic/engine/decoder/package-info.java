/** The decoder: its parts by their textbook names, layer by layer, computed from an architecture. */
@NullMarked
package io.mosaic.engine.decoder;

import org.jspecify.annotations.NullMarked;
