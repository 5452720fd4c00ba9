/**
 * Tensor scopes and the PyTorch operations that DJL's Java API lacks; the one place that handles the engine's pitfalls.
 */
@NullMarked
package io.mosaic.engine.tensor;

import org.jspecify.annotations.NullMarked;
