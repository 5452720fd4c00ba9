/** Who may do what: API keys, tokens, scopes, limits, and the audit. */
@NullMarked
package io.mosaic.server.security;

import org.jspecify.annotations.NullMarked;
