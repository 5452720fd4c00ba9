package io.mosaic.server.security;

import java.util.Locale;

/** What a key or token allows; each allows what those before it do. */
enum Scope {
    /** To look at jobs, models and reports, and to download. */
    READ,
    /** To queue jobs and cancel them. */
    SUBMIT,
    /** To manage keys, read the audit and delete models. */
    ADMIN;

    /** As Spring Security names a scope, be it of a key or of a token. */
    String authority() {
        return "SCOPE_" + this;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
