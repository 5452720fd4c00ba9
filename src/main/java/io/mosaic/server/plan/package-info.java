/** What a job would do, worked out before it runs. */
@NullMarked
package io.mosaic.server.plan;

import org.jspecify.annotations.NullMarked;
