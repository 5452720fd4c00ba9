package io.mosaic.server.job;

import java.util.List;

/** Tells which addresses may be called when a job has ended. */
public interface CallbackRule {
    /** All that speaks against an address, in words that do not repeat it; nothing where it may be called. */
    List<String> faults(String url);
}
