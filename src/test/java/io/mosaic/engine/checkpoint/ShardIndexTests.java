package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Sharded folders whose index and shards disagree, or whose index asks for files that are none of its business. */
class ShardIndexTests {
    private static final int SHARDS = 3;
    private static final String NORM = "model.norm.weight";

    @TempDir
    Path temp;

    private Path folder;

    @BeforeEach
    void write() {
        Path single = TinyLlama.of(new LayerShape(8, 2, 1, 4, 6)).write(temp.resolve("single"));
        folder = Checkpoints.sharded(single, temp.resolve("sharded"), SHARDS);
    }

    @Test
    void missingShardIsNamed() throws IOException {
        Files.delete(folder.resolve(Checkpoints.shard(1, SHARDS)));
        refused(ErrorCode.SHARD_INDEX_INVALID, "model-00002-of-00003.safetensors", "missing");
    }

    @Test
    void faultyShardIsNamed() throws IOException {
        Files.write(folder.resolve(Checkpoints.shard(2, SHARDS)), new byte[5]);
        refused(ErrorCode.SAFETENSORS_INVALID, "model-00003-of-00003.safetensors", "5 bytes");
    }

    @Test
    void tensorThatItsShardLacksIsNamed() {
        change(map -> map.put("model.extra.weight", Checkpoints.shard(1, SHARDS)));
        refused(ErrorCode.TENSOR_MISSING, "model.extra.weight", "model-00002-of-00003.safetensors", "lacks");
    }

    @Test
    void tensorThatTheIndexLeavesOutIsNamed() {
        change(map -> map.remove(NORM));
        refused(ErrorCode.SHARD_INDEX_INVALID, NORM, "model-0", "does not place there");
    }

    @Test
    void tensorThatLiesInAnotherShardIsNamed() {
        change(map -> map.put(
                NORM,
                map.path(NORM).stringValue().equals(Checkpoints.shard(0, SHARDS))
                        ? Checkpoints.shard(1, SHARDS)
                        : Checkpoints.shard(0, SHARDS)));
        refused(ErrorCode.SHARD_INDEX_INVALID, NORM, "does not place there");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../single/model.safetensors",
                "..",
                "../../etc/passwd",
                "/etc/passwd",
                "/model.safetensors",
                "sub/model.safetensors",
                "sub\\model.safetensors",
                "C:model.safetensors",
                ".hidden.safetensors",
                "model.safetensors\u0000",
                "model.safetensors/",
                "model.bin",
                "pytorch_model.pt",
                "",
                " model.safetensors",
                "file:model.safetensors"
            })
    void shardNameThatIsNoPlainFileNameIsRefused(String name) {
        change(map -> map.put(NORM, name));
        refused(ErrorCode.SHARD_INDEX_INVALID, "'" + NORM + "'", "plain name of a .safetensors file");
    }

    @Test
    void overlongShardNameIsCutInTheMessage() {
        change(map -> map.put(NORM, "x".repeat(5000) + ".safetensors"));
        refused(ErrorCode.SHARD_INDEX_INVALID, NORM, "xxx…");
    }

    @Test
    void shardThatIsNoStringIsRefused() {
        change(map -> map.put(NORM, 7));
        refused(ErrorCode.SHARD_INDEX_INVALID, NORM, "'7'");
    }

    @Test
    void shardThatIsAFolderIsRefused() throws IOException {
        Path shard = folder.resolve(Checkpoints.shard(1, SHARDS));
        Files.delete(shard);
        Files.createDirectory(shard);
        refused(ErrorCode.SHARD_INDEX_INVALID, "model-00002-of-00003.safetensors");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "[]", "7", "", "{\"weight_map\":{}}", "{\"weight_map\":[\"a\"]}", "{\"weight_map\":null}"})
    void indexWithoutWeightMapIsRefused(String index) throws IOException {
        Files.writeString(folder.resolve(Checkpoints.INDEX), index);
        refused(ErrorCode.SHARD_INDEX_INVALID, "no weight_map");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "\u0000\u0001",
                "{\"weight_map\":{\"a\":\"b.safetensors\",\"a\":\"c.safetensors\"}}",
                "{\"weight_map\":{}} trailing"
            })
    void indexThatIsNotJsonIsRefused(String index) throws IOException {
        Files.writeString(folder.resolve(Checkpoints.INDEX), index);
        refused(ErrorCode.SHARD_INDEX_INVALID, "not valid JSON", "line 1");
    }

    @Test
    void indexThatNestsDeepIsRefused() throws IOException {
        Files.writeString(folder.resolve(Checkpoints.INDEX), "[".repeat(100_000));
        refused(ErrorCode.SHARD_INDEX_INVALID, "not valid JSON", "depth");
    }

    @Test
    void folderWithoutWeightsSaysWhichFilesAreRead() throws IOException {
        Files.delete(folder.resolve(Checkpoints.INDEX));
        refused(ErrorCode.SAFETENSORS_INVALID, "model.safetensors", Checkpoints.INDEX, "other weight formats");
    }

    private void change(Consumer<ObjectNode> change) {
        Path file = folder.resolve(Checkpoints.INDEX);
        ObjectNode index = (ObjectNode) JsonMapper.shared().readTree(file.toFile());
        change.accept((ObjectNode) index.path("weight_map"));
        JsonMapper.shared().writeValue(file.toFile(), index);
    }

    private void refused(ErrorCode code, String... parts) {
        Refusals.refused(code, () -> Checkpoint.open(folder).close(), parts);
    }
}
