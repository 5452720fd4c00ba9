package io.mosaic.server.role;

/** What a process does. */
public enum Role {
    /** Answers clients. */
    API,
    /** Runs jobs on the devices of its machine. */
    WORKER,
    /** Migrates the database and exits; never combined with another role. */
    MIGRATE
}
