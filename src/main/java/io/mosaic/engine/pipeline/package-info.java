/** One pruning job from checkpoint to measured, reopened export. */
@NullMarked
package io.mosaic.engine.pipeline;

import org.jspecify.annotations.NullMarked;
