/** Solvers that remove whole heads and channels. */
@NullMarked
package io.mosaic.engine.pruning.structured;

import org.jspecify.annotations.NullMarked;
