/** Tensor scopes and the PyTorch operations that DJL's Java API lacks; the one place that knows the engine's traps. */
@NullMarked
package io.mosaic.engine.tensor;

import org.jspecify.annotations.NullMarked;
