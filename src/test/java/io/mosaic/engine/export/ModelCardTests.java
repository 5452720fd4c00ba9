package io.mosaic.engine.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.evaluation.Measurement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** README.md of a pruned model: front matter for hubs, figures for people, the licence of the base model. */
class ModelCardTests {
    @TempDir
    Path temp;

    @Test
    void cardTellsBaseShareRecipeAndFigures() throws IOException {
        assertThat(card("")).isEqualTo("""
                ---
                base_model: base/model
                library_name: transformers
                pipeline_tag: text-generation
                tags:
                - pruned
                - mosaic
                ---

                # my/pruned

                base/model with 50.00 % of its projection weights removed (composite, 100 % odd).

                | corpus | protocol | dense | pruned |
                |---|---|---|---|
                | wiki | perplexity/disjoint@256 | 5.250 | 6.125 |

                Every figure of the run is in report.json.
                """);
    }

    @Test
    void licenceOfTheBaseModelIsTakenOverAsItStands() throws IOException {
        assertThat(card("---\nlanguage: en\nlicense: llama3.1\ntags: [a]\n---\n# Base\n"))
                .startsWith("---\nlicense: llama3.1\nbase_model: base/model\n");
        assertThat(card("---\r\nlicense: \"other\"\r\nlicense_name: my-terms\r\nlicense_link: LICENSE\r\n---\r\n"))
                .startsWith("---\nlicense: \"other\"\nlicense_name: my-terms\nlicense_link: LICENSE\nbase_model:");
    }

    @Test
    void whatOnlyTheTextOfTheBaseCardSaysIsNoLicence() throws IOException {
        assertThat(card("---\nlanguage: en\n---\nlicense: none\n")).doesNotContain("license:");
        assertThat(card("license: none\n")).doesNotContain("license:");
        assertThat(card("---\nlicense:\n---\n")).doesNotContain("license:");
        assertThat(card("")).doesNotContain("license:");
    }

    /** Lines that end in two characters once took exponential time. */
    @Test
    void longFrontMatterWithoutLicenceIsReadToItsEnd() throws IOException {
        assertThat(card("---\r\n" + "a: b\r\n".repeat(400) + "---\r\n")).doesNotContain("license:");
        assertThat(card("---\n" + "\n".repeat(4090))).doesNotContain("license:");
    }

    @Test
    void cardOfLayersThatDifferSaysWhatDoesNotLoadThem() throws IOException {
        assertThat(card("", false))
                .doesNotContain("library_name")
                .contains("lists with one entry for each layer", "transformers, vLLM and llama.cpp do not");
    }

    private String card(String base) throws IOException {
        return card(base, true);
    }

    private String card(String base, boolean alike) throws IOException {
        Path source = Files.createTempDirectory(temp, "source");
        Path folder = Files.createTempDirectory(temp, "folder");
        if (!base.isEmpty()) {
            Files.writeString(source.resolve("README.md"), base);
        }
        ModelCard.write(
                folder,
                source,
                new ModelCard.Facts(
                        "my/pruned",
                        "base/model",
                        "composite, 100 % odd",
                        0.5,
                        alike,
                        List.of(Measurement.perplexity("wiki", "perplexity/disjoint@256", 5.25, 6.125))));
        return Files.readString(folder.resolve("README.md"));
    }
}
