/** Every failure as application/problem+json. */
@NullMarked
package io.mosaic.server.error;

import org.jspecify.annotations.NullMarked;
