/** The object store: all S3 code, and nothing else. */
@NullMarked
package io.mosaic.server.objects;

import org.jspecify.annotations.NullMarked;
