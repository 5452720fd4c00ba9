/** The Llama decoder: its parts by their textbook names, layer by layer. */
@NullMarked
package io.mosaic.engine.llama;

import org.jspecify.annotations.NullMarked;
