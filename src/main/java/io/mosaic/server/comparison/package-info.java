/** One model, several recipes, one table. */
@NullMarked
package io.mosaic.server.comparison;

import org.jspecify.annotations.NullMarked;
