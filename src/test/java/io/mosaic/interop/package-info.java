/** Checks against other people's software: the profile {@code interop} runs them, the plain build does not. */
@NullMarked
package io.mosaic.interop;

import org.jspecify.annotations.NullMarked;
