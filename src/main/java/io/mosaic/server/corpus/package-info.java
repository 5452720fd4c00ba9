/** Text files for calibration and evaluation. */
@NullMarked
package io.mosaic.server.corpus;

import org.jspecify.annotations.NullMarked;
