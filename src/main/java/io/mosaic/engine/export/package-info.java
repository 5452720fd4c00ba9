/** Writing a pruned model as a Hugging Face folder. */
@NullMarked
package io.mosaic.engine.export;

import org.jspecify.annotations.NullMarked;
