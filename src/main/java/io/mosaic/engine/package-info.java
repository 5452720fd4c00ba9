/** The pruning engine: tensors and checkpoints, with no knowledge of Spring, HTTP or SQL. */
@NullMarked
package io.mosaic.engine;

import org.jspecify.annotations.NullMarked;
