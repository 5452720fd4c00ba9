package io.mosaic.engine.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The folder of a pruned model, from the bytes of its files to the model that opens from them. */
class HuggingFaceExporterTests {
    private static final LayerShape DENSE = new LayerShape(24, 6, 3, 10, 17);
    private static final LayerShape PRUNED = new LayerShape(24, 4, 2, 10, 9);
    private static final TinyLlama TINY = TinyLlama.of(DENSE);

    @TempDir
    Path temp;

    private Path out;

    @BeforeEach
    void createFolder() throws IOException {
        out = Files.createDirectory(temp.resolve("out"));
    }

    /** Odd but legal: width and vocabulary odd, heads × headDim above or below hidden, one KV head, one channel. */
    static Stream<LayerShape> shapes() {
        return Stream.of(
                DENSE,
                PRUNED,
                new LayerShape(24, 3, 1, 10, 1),
                new LayerShape(24, 1, 1, 10, 16),
                new LayerShape(24, 6, 3, 10, 3));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void reopenedModelIsWhatWasWritten(LayerShape pruned) {
        for (boolean tied : new boolean[] {true, false}) {
            Path source = TINY.withTied(tied).write(temp.resolve("source" + tied));
            Path folder = temp.resolve("pruned" + tied);
            assertThat(folder.toFile().mkdir()).isTrue();
            export(source, folder, pruned, Long.MAX_VALUE);
            try (Checkpoint dense = Checkpoint.open(source);
                    Checkpoint written = Checkpoint.open(folder)) {
                TensorCheck.check(written);
                assertThat(written.architecture().shapes()).containsOnly(pruned);
                assertThat(written.architecture().tiedEmbeddings()).isEqualTo(tied);
                same(dense, written, pruned);
            }
        }
    }

    @Test
    void layersThatDifferAreListedAndReopened() {
        List<LayerShape> shapes = List.of(PRUNED, new LayerShape(24, 6, 2, 10, 9));
        Path source = TINY.write(temp.resolve("source"));
        try (Checkpoint dense = Checkpoint.open(source);
                HuggingFaceExporter exporter = new HuggingFaceExporter(out, dense, shapes)) {
            for (int layer = 0; layer < shapes.size(); layer++) {
                LayerShape shape = shapes.get(layer);
                exporter.write(layer, TinyLlama.of(shape).layer());
            }
            exporter.finish();
        }
        assertThat(config().path("num_attention_heads")).hasToString("[4,6]");
        assertThat(config().path("num_key_value_heads")).hasToString("2");
        assertThat(config().path("intermediate_size")).hasToString("9");
        try (Checkpoint written = Checkpoint.open(out)) {
            TensorCheck.check(written);
            assertThat(written.architecture().shapes()).isEqualTo(shapes);
        }
    }

    @ParameterizedTest
    @EnumSource
    void weightsKeepTheNumberFormatOfTheSource(DType dtype) throws IOException {
        export(TINY.with(dtype).write(temp.resolve("source")), out, PRUNED, Long.MAX_VALUE);
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(out.resolve("model.safetensors")))
                .order(ByteOrder.LITTLE_ENDIAN);
        int length = Math.toIntExact(file.getLong(0));
        assertThat(length % 8).as("header length").isZero();
        String header = new String(file.array(), Long.BYTES, length, StandardCharsets.UTF_8);
        assertThat(header)
                .startsWith("{")
                .endsWith(length == header.stripTrailing().length() ? "}" : " ");
        JsonNode root = JsonMapper.shared().readTree(header);
        assertThat(root.path("__metadata__").path("format").stringValue()).isEqualTo("pt");
        root.properties().forEach(entry -> {
            if (!entry.getKey().equals("__metadata__")) {
                assertThat(entry.getValue().path("dtype").stringValue()).isEqualTo(dtype.name());
            }
        });
        assertThat(config().path("torch_dtype").stringValue()).isEqualTo(dtype.torchName());
    }

    @Test
    void largeModelsAreSharded() {
        Path source = TINY.write(temp.resolve("source"));
        long limit = 6000; // above the largest tensor
        export(source, out, PRUNED, limit);
        assertThat(out.resolve("model.safetensors")).doesNotExist();
        JsonNode index =
                JsonMapper.shared().readTree(out.resolve(Checkpoints.INDEX).toFile());
        try (Checkpoint dense = Checkpoint.open(source);
                Checkpoint written = Checkpoint.open(out)) {
            int shards = written.weightFiles().size();
            assertThat(shards).isGreaterThan(2);
            for (int i = 0; i < shards; i++) {
                assertThat(written.weightFiles().get(i).getFileName()).hasToString(Checkpoints.shard(i, shards));
                assertThat(dataBytes(written.weightFiles().get(i))).isBetween(1L, limit);
            }
            assertThat(index.path("metadata").path("total_size").longValue()).isEqualTo(written.weightBytes());
            same(dense, written, PRUNED);
        }
    }

    @Test
    void tensorLargerThanAShardHasOneToItself() {
        export(TINY.write(temp.resolve("source")), out, PRUNED, 1);
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(written.weightFiles()).hasSameSizeAs(written.tensors());
        }
    }

    @Test
    void shardedSourceIsExportedAsOneFileAndItsIndexIsLeftBehind() {
        Path single = TINY.write(temp.resolve("single"));
        export(Checkpoints.sharded(single, temp.resolve("source"), 3), out, PRUNED, Long.MAX_VALUE);
        assertThat(files()).containsExactlyInAnyOrder("model.safetensors", "config.json");
    }

    @Test
    void configChangesOnlyWhatPruningChanges() throws IOException {
        Path source = TINY.write(temp.resolve("source"));
        ObjectNode before = TINY.document();
        before.remove(List.of("head_dim", "tie_word_embeddings"));
        before.put("head_dim", 10)
                .put("my_note", "é")
                .put("big", Long.MAX_VALUE)
                .put("transformers_version", "4.40.0")
                .putObject("auto_map")
                .put("AutoModel", "evil.Model");
        before.putNull("quantization_config")
                .putObject("nested")
                .putArray("list")
                .add(1.5);
        Files.writeString(source.resolve("config.json"), before.toString());

        export(source, out, PRUNED, Long.MAX_VALUE);

        ObjectNode expected = before.deepCopy();
        expected.remove(List.of("auto_map", "quantization_config"));
        expected.put("num_attention_heads", 4)
                .put("num_key_value_heads", 2)
                .put("intermediate_size", 9)
                .put("head_dim", 10)
                .put("tie_word_embeddings", false);
        assertThat(config()).isEqualTo(JsonMapper.shared().readTree(expected.toString()));
    }

    /** Without head_dim a runtime would divide the hidden size by the heads that are left. */
    @Test
    void headDimIsWrittenWhereTheSourceLeftItToBeDerived() throws IOException {
        TinyLlama plain = TinyLlama.of(new LayerShape(24, 6, 6, 4, 8));
        Path source = plain.write(temp.resolve("source"));
        ObjectNode document = plain.document();
        document.remove(List.of("head_dim", "num_key_value_heads"));
        Files.writeString(source.resolve("config.json"), document.toString());

        export(source, out, new LayerShape(24, 3, 3, 4, 8), Long.MAX_VALUE);

        assertThat(config().path("head_dim").intValue()).isEqualTo(4);
        assertThat(config().path("num_key_value_heads").intValue()).isEqualTo(3);
    }

    @Test
    void companionFilesAreCopiedByteForByteAndOthersAreLeft() throws IOException {
        Path source = TINY.withDemoVocabulary().write(temp.resolve("source"));
        byte[] bytes = {0, (byte) 0xff, '\r', '\n', ' '};
        Set<String> copied = Set.of(
                "generation_config.json",
                "tokenizer.model",
                "added_tokens.json",
                "vocab.json",
                "merges.txt",
                "chat_template.jinja",
                "LICENSE",
                "USE_POLICY",
                "USE_POLICY.md",
                "NOTICE");
        for (String file : copied) {
            Files.write(source.resolve(file), bytes);
        }
        for (String file : List.of("pytorch_model.bin", "model.py", "README.md", "report.json", "training_args.bin")) {
            Files.write(source.resolve(file), bytes);
        }
        Files.createDirectory(source.resolve("NOTICE.txt"));

        export(source, out, PRUNED, Long.MAX_VALUE);

        for (String file : copied) {
            assertThat(out.resolve(file)).hasBinaryContent(bytes);
        }
        Set<String> expected = new HashSet<>(copied);
        for (String file : List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")) {
            assertThat(out.resolve(file)).hasSameBinaryContentAs(Demo.model().resolve(file));
            expected.add(file);
        }
        expected.addAll(List.of("config.json", "model.safetensors"));
        assertThat(files()).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void zerosAreCountedAsStored() {
        Path source = TINY.with(DType.F16).write(temp.resolve("source"));
        LayerWeights layer = TinyLlama.of(PRUNED).layer();
        float[] up = layer.weight(MapRole.UP);
        up[0] = 0f;
        up[1] = -0f;
        up[2] = 1e-9f; // nothing in half precision
        try (Checkpoint dense = Checkpoint.open(source);
                HuggingFaceExporter exporter = new HuggingFaceExporter(out, dense, Collections.nCopies(2, PRUNED))) {
            PerMap<Long> zeros = exporter.write(0, layer);
            assertThat(zeros.get(MapRole.UP)).isEqualTo(3);
            assertThat(zeros.get(MapRole.Q)).isZero();
        }
    }

    @Test
    void exportThatStopsHalfwayIsNoModel() {
        try (Checkpoint dense = Checkpoint.open(TINY.write(temp.resolve("source")))) {
            try (HuggingFaceExporter exporter = new HuggingFaceExporter(out, dense, Collections.nCopies(2, PRUNED))) {
                exporter.write(0, TinyLlama.of(PRUNED).layer());
            }
            Refusals.refused(
                    ErrorCode.CONFIG_INVALID, () -> Checkpoint.open(out).close(), "config.json", "missing");
        }
    }

    @Test
    void folderThatCannotBeWrittenIsNamed() throws IOException {
        try (Checkpoint dense = Checkpoint.open(TINY.write(temp.resolve("source")))) {
            Path nowhere = temp.resolve("nowhere");
            Refusals.refused(
                    ErrorCode.IO_ERROR,
                    () -> new HuggingFaceExporter(nowhere, dense, Collections.nCopies(2, PRUNED)).close(),
                    "Cannot write",
                    "nowhere");
            Files.writeString(out.resolve("model.safetensors"), "mine");
            Refusals.refused(
                    ErrorCode.IO_ERROR,
                    () -> new HuggingFaceExporter(out, dense, Collections.nCopies(2, PRUNED)).close(),
                    "Cannot write",
                    "model.safetensors");
            assertThat(out.resolve("model.safetensors")).hasContent("mine");
        }
    }

    /** Maps of their own, and the norms of the source. */
    private static LayerWeights weights(Checkpoint dense, LayerShape shape, int layer) {
        LayerWeights maps = TinyLlama.of(shape).withSeed(100 + layer).layer();
        return new LayerWeights(
                maps.spec(),
                shape,
                maps.weights(),
                maps.biases(),
                LayerWeights.read(dense, layer).norms());
    }

    private static void export(Path source, Path folder, LayerShape shape, long shardBytes) {
        try (Checkpoint dense = Checkpoint.open(source);
                HuggingFaceExporter exporter =
                        new HuggingFaceExporter(folder, dense, Collections.nCopies(2, shape), shardBytes)) {
            for (int layer = 0; layer < 2; layer++) {
                exporter.write(layer, weights(dense, shape, layer));
            }
            exporter.finish();
        }
    }

    /** Projections are those that were given; everything else is the source's, bit for bit. */
    private static void same(Checkpoint dense, Checkpoint written, LayerShape pruned) {
        Set<String> prunable = new HashSet<>();
        for (int layer = 0; layer < 2; layer++) {
            LayerWeights given = weights(dense, pruned, layer);
            for (MapRole projection : MapRole.values()) {
                String name = LlamaNames.weight(layer, projection);
                assertThat(written.read(name)).isEqualTo(given.weight(projection));
                prunable.add(name);
            }
        }
        assertThat(written.tensors()).hasSameSizeAs(dense.tensors());
        for (TensorInfo tensor : dense.tensors()) {
            if (!prunable.contains(tensor.name())) {
                assertThat(written.bytes(tensor.name()).mismatch(dense.bytes(tensor.name())))
                        .isEqualTo(-1);
            }
        }
    }

    private JsonNode config() {
        return JsonMapper.shared().readTree(out.resolve("config.json").toFile());
    }

    private static long dataBytes(Path shard) {
        try {
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(shard)).order(ByteOrder.LITTLE_ENDIAN);
            return file.capacity() - Long.BYTES - file.getLong(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> files() {
        try (Stream<Path> files = Files.list(out)) {
            return files.map(file -> file.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
