package io.mosaic.server.security;

import java.util.Locale;

/** What a key or token allows; each scope includes those before it. */
enum Scope {
    /** View jobs, models and reports, and download. */
    READ,
    /** Queue and cancel jobs. */
    SUBMIT,
    /** Manage keys, read the audit and delete models. */
    ADMIN;

    /** Spring Security's name of the scope, for keys and tokens alike. */
    String authority() {
        return "SCOPE_" + this;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
