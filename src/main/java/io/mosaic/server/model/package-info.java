/** The model catalogue and the folders behind it. */
@NullMarked
package io.mosaic.server.model;

import org.jspecify.annotations.NullMarked;
