package io.mosaic.server.security;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The record of who asked for which change, and with what result. */
@Repository
class Audit {
    private final JdbcClient jdbc;

    Audit(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * A request that may have changed something.
     *
     * @param status of the answer; empty if the process died before answering
     * @param made location of a new resource, as given in the answer
     */
    record Entry(
            long id,
            Instant at,
            String who,
            String address,
            String method,
            String path,
            Optional<Integer> status,
            Optional<String> made) {}

    /** Records a request before it is carried out; returns the entry's id. */
    long begin(String who, String address, String method, String path) {
        return jdbc.sql("""
                        insert into audit (who, address, method, path) values (:who, :address, :method, :path)
                        returning id
                        """)
                .param("who", who)
                .param("address", address)
                .param("method", method)
                .param("path", path)
                .query(Long.class)
                .single();
    }

    void end(long id, int status, Optional<String> made) {
        jdbc.sql("update audit set status = :status, made = :made where id = :id")
                .param("status", status)
                .param("made", made.orElse(null))
                .param("id", id)
                .update();
    }

    /** The entries written before a given one, newest first. */
    List<Entry> before(long id, int most) {
        return jdbc.sql("select * from audit where id < :id order by id desc limit :most")
                .param("id", id)
                .param("most", most)
                .query((row, number) -> new Entry(
                        row.getLong("id"),
                        row.getTimestamp("at").toInstant(),
                        row.getString("who"),
                        row.getString("address"),
                        row.getString("method"),
                        row.getString("path"),
                        Optional.ofNullable(row.getObject("status", Integer.class)),
                        Optional.ofNullable(row.getString("made"))))
                .list();
    }
}
