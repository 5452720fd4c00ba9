/** The CPUs and GPUs that jobs lease. */
@NullMarked
package io.mosaic.server.device;

import org.jspecify.annotations.NullMarked;
