package io.mosaic.engine.export;

import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.evaluation.Measurement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** README.md of a pruned model, with the front matter that model hubs read. */
public final class ModelCard {
    private static final String FILE = "README.md";
    private static final String FENCE = "---";
    private static final Pattern LICENSE = Pattern.compile("license(_name|_link)?: *[^ ].*");
    private static final int FRONT_MATTER = 4096;
    private static final String OWN_SHAPES = """
            Its layers differ in heads and MLP width: `num_attention_heads`, `num_key_value_heads` and `intermediate_size`
            in config.json are lists with one entry for each layer where they do. Mosaic loads that, evaluates it and can
            prune it again; the stock loaders of transformers, vLLM and llama.cpp do not.

            """;

    private ModelCard() {}

    /**
     * The contents of the card.
     *
     * @param recipe in words
     * @param alike whether all layers have one shape, as stock runtimes expect
     */
    public record Facts(
            String model,
            String baseModel,
            String recipe,
            double realised,
            boolean alike,
            List<Measurement> measurements) {}

    /** @param source folder of the base model, whose own card names its licence */
    public static void write(Path folder, Path source, Facts facts) {
        Path file = folder.resolve(FILE);
        try {
            Files.writeString(file, render(facts, licence(source)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw SafetensorsWriter.diskFailure(file, e);
        }
    }

    private static String render(Facts facts, List<String> licence) {
        StringBuilder card = new StringBuilder("---\n");
        licence.forEach(entry -> card.append(entry).append('\n'));
        card.append("base_model: ").append(facts.baseModel()).append('\n');
        if (facts.alike()) {
            card.append("library_name: transformers\n");
        }
        card.append("pipeline_tag: text-generation\ntags:\n- pruned\n- mosaic\n---\n\n");
        card.append(String.format(
                Locale.ROOT,
                "# %s\n\n%s with %.2f %% of its projection weights removed (%s).\n\n",
                facts.model(),
                facts.baseModel(),
                100 * facts.realised(),
                facts.recipe()));
        if (!facts.alike()) {
            card.append(OWN_SHAPES);
        }
        List<Measurement> onTexts = facts.measurements().stream()
                .filter(measured -> measured.dataset().isPresent())
                .toList();
        if (!onTexts.isEmpty()) {
            card.append("| corpus | protocol | dense | pruned |\n|---|---|---|---|\n");
            onTexts.forEach(measured -> card.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %.3f | %.3f |\n",
                    measured.dataset().orElse(""),
                    measured.protocol().orElse(""),
                    measured.dense(),
                    measured.pruned())));
            card.append('\n');
        }
        return card.append("Every figure of the run is in report.json.\n").toString();
    }

    /** The licence entries of the base model's front matter, verbatim. */
    private static List<String> licence(Path source) throws IOException {
        Path card = source.resolve(FILE);
        if (!Files.isRegularFile(card)) {
            return List.of();
        }
        byte[] head;
        try (var in = Files.newInputStream(card)) {
            head = in.readNBytes(FRONT_MATTER);
        }
        List<String> lines = new String(head, StandardCharsets.UTF_8)
                .lines()
                .map(String::stripTrailing)
                .toList();
        if (lines.isEmpty() || !lines.getFirst().equals(FENCE)) {
            return List.of();
        }
        return lines.stream()
                .skip(1)
                .takeWhile(line -> !line.equals(FENCE))
                .filter(line -> LICENSE.matcher(line).matches())
                .toList();
    }
}
