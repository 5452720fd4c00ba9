/** Tells the addresses that jobs name how they ended. */
@NullMarked
package io.mosaic.server.webhook;

import org.jspecify.annotations.NullMarked;
