/** The model families, one file each: how its config.json is read and what its layers are. */
@NullMarked
package io.mosaic.engine.architecture.family;

import org.jspecify.annotations.NullMarked;
