/** From one global target to one target per projection, under an exact budget. */
@NullMarked
package io.mosaic.engine.allocation;

import org.jspecify.annotations.NullMarked;
