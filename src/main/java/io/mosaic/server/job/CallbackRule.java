package io.mosaic.server.job;

import java.util.List;

/** The rule for addresses to be called when a job has ended. */
public interface CallbackRule {
    /** All objections to an address, worded without repeating it; empty if it may be called. */
    List<String> faults(String url);
}
