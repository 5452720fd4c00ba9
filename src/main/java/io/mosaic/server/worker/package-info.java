/** Threads that claim jobs and run them on a device. */
@NullMarked
package io.mosaic.server.worker;

import org.jspecify.annotations.NullMarked;
