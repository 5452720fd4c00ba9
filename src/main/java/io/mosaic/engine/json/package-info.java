/** Parsing of untrusted JSON. */
@NullMarked
package io.mosaic.engine.json;

import org.jspecify.annotations.NullMarked;
