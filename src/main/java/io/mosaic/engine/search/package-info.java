/** Search for a better plan by measurement: sensitivities, candidates, and trials on held-out text. */
@NullMarked
package io.mosaic.engine.search;

import org.jspecify.annotations.NullMarked;
