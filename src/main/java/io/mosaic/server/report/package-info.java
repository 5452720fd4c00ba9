/** What a finished job measured. */
@NullMarked
package io.mosaic.server.report;

import org.jspecify.annotations.NullMarked;
