/** Perplexity, latency and memory of a checkpoint. */
@NullMarked
package io.mosaic.engine.evaluation;

import org.jspecify.annotations.NullMarked;
