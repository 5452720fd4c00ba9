/** Calibration text, its windows, and the statistics of projections' inputs. */
@NullMarked
package io.mosaic.engine.calibration;

import org.jspecify.annotations.NullMarked;
