package io.mosaic.interop;

import io.mosaic.engine.checkpoint.SafetensorsReader;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.fixture.Project;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * transformers in a process of its own, which src/test/python/reference.py serves. It is installed into a virtual
 * environment under target, or taken from the Python that MOSAIC_PYTHON names. Close ends it.
 */
final class Transformers implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Path FOLDER = Project.path("src/test/python");

    private final Process process;
    private final BufferedReader answers;
    private final OutputStream requests;
    private final String version;

    private Transformers(Process process) throws IOException {
        this.process = process;
        answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        requests = process.getOutputStream();
        JsonNode versions = answer();
        version = "transformers " + versions.path("transformers").asString() + ", torch "
                + versions.path("torch").asString();
    }

    /** Starts it; the first start of a checkout installs it, which takes minutes and gigabytes. */
    static Transformers start() {
        try {
            Process process = new ProcessBuilder(
                            python(), FOLDER.resolve("reference.py").toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            return new Transformers(process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String python() throws IOException {
        Optional<String> own = Optional.ofNullable(System.getenv("MOSAIC_PYTHON"));
        if (own.isPresent()) {
            return own.get();
        }
        Path environment = Project.path("target").resolve("interop/python");
        Path python = environment.resolve("bin/python");
        if (!Files.isExecutable(python)) {
            run("python3", "-m", "venv", environment.toString());
            run(
                    python.toString(),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--requirement",
                    FOLDER.resolve("requirements.txt").toString());
        }
        return python.toString();
    }

    private static void run(String... command) throws IOException {
        try {
            if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
                throw new IOException("Failed: " + String.join(" ", command));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /** Its version, and PyTorch's. */
    String version() {
        return version;
    }

    /** Logits of all windows, (windows, tokens, vocabulary), of a folder that must load without a complaint. */
    float[] logits(Path folder, int[][] windows) {
        try {
            Path file = Files.createTempFile("logits", ".safetensors");
            ObjectNode request = request("logits", folder);
            putWindows(request, windows);
            request.put("out", file.toString());
            ask(request);
            try (SafetensorsReader reader = SafetensorsReader.open(file)) {
                TensorInfo info = Objects.requireNonNull(reader.tensors().get("logits"));
                float[] logits = new float[Math.toIntExact(info.elements())];
                reader.read(info, 0, logits, 0, logits.length);
                return logits;
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** exp of the mean over windows of the mean cross-entropy of their predictions. */
    double perplexity(Path folder, int[][] windows) {
        ObjectNode request = request("perplexity", folder);
        putWindows(request, windows);
        return Math.exp(ask(request)
                .path("losses")
                .valueStream()
                .mapToDouble(JsonNode::doubleValue)
                .average()
                .orElseThrow());
    }

    /** The most likely continuation. */
    int[] greedy(Path folder, int[] prompt, int count) {
        ObjectNode request = request("greedy", folder).put("count", count);
        putIds(request, "prompt", prompt);
        return ids(ask(request).path("tokens"));
    }

    /** Token ids of texts, without special tokens around them. */
    List<int[]> tokenize(Path folder, List<String> texts) {
        ObjectNode request = request("tokenize", folder).put("special", false);
        request.set("texts", JSON.valueToTree(texts));
        return ask(request).path("ids").valueStream().map(Transformers::ids).toList();
    }

    /** A conversation as the model's chat template writes it; empty where it has none. */
    Optional<String> template(Path folder) {
        ObjectNode request = request("template", folder);
        request.putArray("messages").addObject().put("role", "user").put("content", "How are you?");
        JsonNode text = ask(request).path("text");
        return text.isString() ? Optional.of(text.stringValue()) : Optional.empty();
    }

    private static ObjectNode request(String what, Path folder) {
        return JSON.createObjectNode()
                .put("do", what)
                .put("folder", folder.toAbsolutePath().toString());
    }

    private static void putWindows(ObjectNode request, int[][] windows) {
        request.set("windows", JSON.valueToTree(windows));
    }

    private static void putIds(ObjectNode request, String key, int[] ids) {
        request.set(key, JSON.valueToTree(ids));
    }

    private static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    private JsonNode ask(ObjectNode request) {
        try {
            requests.write((JSON.writeValueAsString(request) + "\n").getBytes(StandardCharsets.UTF_8));
            requests.flush();
            JsonNode answer = answer();
            if (answer.has("error")) {
                throw new IllegalStateException(request.path("folder").asString() + ": "
                        + answer.path("error").asString());
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode answer() throws IOException {
        String line = answers.readLine();
        if (line == null) {
            throw new IOException("The reference process has ended");
        }
        return JSON.readTree(line);
    }

    @Override
    public void close() {
        process.destroy();
    }

    @Override
    public String toString() {
        return version + Arrays.toString(process.info().arguments().orElse(new String[0]));
    }
}
