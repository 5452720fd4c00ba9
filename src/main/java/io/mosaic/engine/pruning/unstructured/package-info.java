/** Solvers that zero single weights. */
@NullMarked
package io.mosaic.engine.pruning.unstructured;

import org.jspecify.annotations.NullMarked;
