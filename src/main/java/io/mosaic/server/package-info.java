/** The service around the engine: HTTP, the job table, workers, the model store. */
@NullMarked
package io.mosaic.server;

import org.jspecify.annotations.NullMarked;
