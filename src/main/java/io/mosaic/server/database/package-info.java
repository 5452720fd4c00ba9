/** PostgreSQL with no configuration. */
@NullMarked
package io.mosaic.server.database;

import org.jspecify.annotations.NullMarked;
