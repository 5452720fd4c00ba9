/**
 * Model architectures as pure data: the parts of a decoder layer, their storage, and their description in config.json.
 */
@NullMarked
package io.mosaic.engine.architecture;

import org.jspecify.annotations.NullMarked;
