/** What a process of several does: answer clients, run jobs, or both. */
@NullMarked
package io.mosaic.server.role;

import org.jspecify.annotations.NullMarked;
