/** The outlier distribution over projections. */
@NullMarked
package io.mosaic.engine.ranking;

import org.jspecify.annotations.NullMarked;
