/** Downloads: files with ranges, and whole models as a streamed archive. */
@NullMarked
package io.mosaic.server.artifact;

import org.jspecify.annotations.NullMarked;
