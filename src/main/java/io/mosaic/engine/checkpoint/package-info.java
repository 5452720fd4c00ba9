/** Hugging Face model folders: config.json, safetensors, tokenizer.json. */
@NullMarked
package io.mosaic.engine.checkpoint;

import org.jspecify.annotations.NullMarked;
