package io.mosaic.server.artifact;

import io.mosaic.engine.pipeline.Hashes;
import io.mosaic.server.model.ModelCatalog;
import io.mosaic.server.model.ModelFile;
import io.mosaic.server.model.ModelId;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** SHA-256 of model files: computed once for each state of a file, then remembered. */
@Repository
public class Artifacts {
    private final JdbcClient jdbc;

    Artifacts(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The hash of a file, if this state of it was hashed before. */
    Optional<String> known(ModelId model, ModelFile file) {
        return jdbc.sql("""
                        select sha256 from artifact
                         where model = :model and path = :path and bytes = :bytes and modified_at = :modified
                        """)
                .param("model", model.toString())
                .param("path", file.path())
                .param("bytes", file.bytes())
                .param("modified", Timestamp.from(file.modifiedAt()))
                .query(String.class)
                .optional();
    }

    /** The hash of a file; reads it when its state is new. */
    String sha256(ModelCatalog.Entry model, ModelFile file) {
        return known(model.id(), file).orElseGet(() -> {
            String sha256 = Hashes.files(List.of(model.folder().resolve(file.path())));
            save(model.id(), file, sha256);
            return sha256;
        });
    }

    /** A file and its hash. */
    public record Hashed(ModelFile file, String sha256) {}

    /** Hashes every file of a folder. */
    public static List<Hashed> hash(Path folder, List<ModelFile> files) {
        return files.stream()
                .map(file -> new Hashed(file, Hashes.files(List.of(folder.resolve(file.path())))))
                .toList();
    }

    /** The files of a model that is about to be published, instead of what was known under its name. */
    public void replace(ModelId model, List<Hashed> files) {
        jdbc.sql("delete from artifact where model = :model")
                .param("model", model.toString())
                .update();
        files.forEach(hashed -> save(model, hashed.file(), hashed.sha256()));
    }

    private void save(ModelId model, ModelFile file, String sha256) {
        jdbc.sql("""
                        insert into artifact (model, path, bytes, modified_at, sha256)
                        values (:model, :path, :bytes, :modified, :sha256)
                        on conflict (model, path) do update
                           set bytes = excluded.bytes, modified_at = excluded.modified_at, sha256 = excluded.sha256
                        """)
                .param("model", model.toString())
                .param("path", file.path())
                .param("bytes", file.bytes())
                .param("modified", Timestamp.from(file.modifiedAt()))
                .param("sha256", sha256)
                .update();
    }
}
