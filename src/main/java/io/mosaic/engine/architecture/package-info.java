/** Model architectures as pure data: what a decoder layer is made of, how it is stored, and how config.json says so. */
@NullMarked
package io.mosaic.engine.architecture;

import org.jspecify.annotations.NullMarked;
