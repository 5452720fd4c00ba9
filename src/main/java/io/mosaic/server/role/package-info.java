/** The roles of a process: to answer clients, run jobs, or both. */
@NullMarked
package io.mosaic.server.role;

import org.jspecify.annotations.NullMarked;
