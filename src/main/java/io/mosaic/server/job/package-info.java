/** Jobs: the HTTP resource, its validation, and the table that is the queue. */
@NullMarked
package io.mosaic.server.job;

import org.jspecify.annotations.NullMarked;
