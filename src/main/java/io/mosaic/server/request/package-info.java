/** Bodies of requests: JSON within limits, and every fault of its fields at once. */
@NullMarked
package io.mosaic.server.request;

import org.jspecify.annotations.NullMarked;
