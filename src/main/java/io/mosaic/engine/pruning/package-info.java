/** What a pruning run removes, and the walk over the layers that removes it. */
@NullMarked
package io.mosaic.engine.pruning;

import org.jspecify.annotations.NullMarked;
