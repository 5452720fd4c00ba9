/** The object store: all that speaks S3, and nothing else. */
@NullMarked
package io.mosaic.server.objects;

import org.jspecify.annotations.NullMarked;
