/** The model catalogue and its folders. */
@NullMarked
package io.mosaic.server.model;

import org.jspecify.annotations.NullMarked;
