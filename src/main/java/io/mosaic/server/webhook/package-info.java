/** Webhooks: notifies the addresses named by jobs that they have ended. */
@NullMarked
package io.mosaic.server.webhook;

import org.jspecify.annotations.NullMarked;
