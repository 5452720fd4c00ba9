/** Pruning recipes and plans, and the walk over the layers that applies them. */
@NullMarked
package io.mosaic.engine.pruning;

import org.jspecify.annotations.NullMarked;
