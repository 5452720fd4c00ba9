package io.mosaic.server.artifact;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
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

    /** The hash of a file, if its current state was hashed before. */
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

    /**
     * The hash of a file; reads the file when its state is new.
     *
     * @throws MosaicException MODEL_CORRUPT when a job made the model and the file differs from the published one
     */
    String sha256(ModelCatalog.Entry model, ModelFile file) {
        requireSize(model, file);
        return known(model.id(), file).orElseGet(() -> {
            String sha256 = Hashes.files(List.of(model.folder().resolve(file.path())));
            Optional<Published> made = published(model, file.path());
            made.filter(was -> !was.sha256().equals(sha256)).ifPresent(was -> {
                throw corrupt(model.id(), file.path(), "has SHA-256 " + sha256 + ", not " + was.sha256());
            });
            if (made.isPresent() || model.madeBy().isEmpty()) { // a file added later was not published
                save(model.id(), file, sha256);
            }
            return sha256;
        });
    }

    /** @throws MosaicException MODEL_CORRUPT when a job made the model and published the file with another size */
    void requireSize(ModelCatalog.Entry model, ModelFile file) {
        published(model, file.path())
                .filter(made -> made.bytes() != file.bytes())
                .ifPresent(made -> {
                    throw corrupt(model.id(), file.path(), "has " + file.bytes() + " bytes, not " + made.bytes());
                });
    }

    private static MosaicException corrupt(ModelId model, String path, String fault) {
        return new MosaicException(
                ErrorCode.MODEL_CORRUPT, path + " of " + model + " is not the file that was published: it " + fault);
    }

    /** A file as it was when its model was published. */
    record Published(String path, long bytes, String sha256) {}

    private Optional<Published> published(ModelCatalog.Entry model, String path) {
        return published(model).stream()
                .filter(file -> file.path().equals(path))
                .findFirst();
    }

    /** The files of a model as its job published them, by path; none for a model added by hand. */
    List<Published> published(ModelCatalog.Entry model) {
        if (model.madeBy().isEmpty()) {
            return List.of();
        }
        return jdbc.sql("select path, bytes, sha256 from artifact where model = :model order by path")
                .param("model", model.id().toString())
                .query(Published.class)
                .list();
    }

    /** A file and its hash. */
    public record Hashed(ModelFile file, String sha256) {}

    /** Hashes every file of a folder. */
    public static List<Hashed> hash(Path folder, List<ModelFile> files) {
        return files.stream()
                .map(file -> new Hashed(file, Hashes.files(List.of(folder.resolve(file.path())))))
                .toList();
    }

    /** Replaces the stored hashes of a model that is about to be published. */
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
