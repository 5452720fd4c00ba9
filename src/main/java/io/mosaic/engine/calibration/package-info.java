/** Calibration text, its windows, and the statistics that projections' inputs leave behind. */
@NullMarked
package io.mosaic.engine.calibration;

import org.jspecify.annotations.NullMarked;
