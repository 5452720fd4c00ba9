/** A self-hosted REST service that prunes large language models. */
@NullMarked
package io.mosaic;

import org.jspecify.annotations.NullMarked;
