/** What a job would do, told before it runs. */
@NullMarked
package io.mosaic.server.plan;

import org.jspecify.annotations.NullMarked;
