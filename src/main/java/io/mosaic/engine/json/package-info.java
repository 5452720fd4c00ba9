/** JSON that is not trusted. */
@NullMarked
package io.mosaic.engine.json;

import org.jspecify.annotations.NullMarked;
