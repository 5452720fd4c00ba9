package io.mosaic.engine.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.family.Families;
import io.mosaic.fixture.FamilyGolden;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** config.json: what is read from it, and that each faulty entry is refused by its name, value and limit. */
class ArchitectureReadingTests {
    @TempDir
    Path temp;

    private static ObjectNode document() {
        return TinyLlama.of(new LayerShape(24, 6, 3, 4, 10)).document();
    }

    /** Entries that replace those of a good config (' for "), and what the message names. */
    static Stream<Arguments> faultyEntries() {
        return Stream.of(
                fault("{'hidden_size':0}", "hidden_size", "'0'", "from 1 to 4194304"),
                fault("{'hidden_size':-24}", "hidden_size", "'-24'"),
                fault("{'hidden_size':24.0}", "hidden_size", "'24.0'"),
                fault("{'hidden_size':'24'}", "hidden_size", "\"24\""),
                fault("{'hidden_size':null}", "hidden_size", "'null'"),
                fault("{'hidden_size':4294967320}", "hidden_size", "'4294967320'"),
                fault("{'hidden_size':4194305}", "hidden_size", "'4194305'", "4194304"),
                fault("{'hidden_size':[24]}", "hidden_size", "'[24]'"),
                fault("{'num_hidden_layers':0}", "num_hidden_layers", "'0'"),
                fault("{'num_hidden_layers':10001}", "num_hidden_layers", "'10001'", "10000"),
                fault("{'num_attention_heads':0}", "num_attention_heads", "'0'"),
                fault("{'num_attention_heads':65537}", "num_attention_heads", "65536"),
                fault("{'num_key_value_heads':0}", "num_key_value_heads", "'0'"),
                fault("{'num_key_value_heads':4}", "6 num_attention_heads", "4 num_key_value_heads"),
                fault("{'num_key_value_heads':12}", "6 num_attention_heads", "12 num_key_value_heads"),
                fault("{'head_dim':0}", "head_dim", "'0'"),
                fault("{'head_dim':3}", "odd head_dim 3"),
                fault("{'head_dim':16385}", "head_dim", "16384"),
                fault("{'head_dim':null,'hidden_size':25}", "no head_dim", "hidden_size 25", "6 num_attention_heads"),
                fault("{'intermediate_size':-1}", "intermediate_size", "'-1'"),
                fault("{'intermediate_size':1e3}", "intermediate_size", "expected a whole number"),
                fault("{'intermediate_size':[10]}", "1 entries in intermediate_size", "2 num_hidden_layers"),
                fault("{'num_attention_heads':[6,6,6]}", "3 entries in num_attention_heads", "2 num_hidden_layers"),
                fault("{'num_key_value_heads':[]}", "0 entries in num_key_value_heads", "2 num_hidden_layers"),
                fault("{'intermediate_size':[10,0]}", "intermediate_size of layer 1 '0'", "from 1 to 4194304"),
                fault("{'intermediate_size':[4194305,1]}", "intermediate_size of layer 0 '4194305'", "4194304"),
                fault("{'num_attention_heads':[6,65537]}", "num_attention_heads of layer 1 '65537'", "65536"),
                fault("{'num_attention_heads':['6',6]}", "num_attention_heads of layer 0", "\"6\""),
                fault("{'num_attention_heads':[6,[6]]}", "num_attention_heads of layer 1 '[6]'"),
                fault("{'num_key_value_heads':[3,null]}", "num_key_value_heads of layer 1 'null'"),
                fault("{'num_key_value_heads':[3,2.0]}", "num_key_value_heads of layer 1 '2.0'"),
                fault("{'num_attention_heads':[6,4]}", "4 num_attention_heads", "3 num_key_value_heads", "in layer 1"),
                fault("{'num_attention_heads':[6,3],'head_dim':null}", "no head_dim", "list of num_attention_heads"),
                fault("{'vocab_size':0}", "vocab_size", "'0'", "16777216"),
                fault("{'vocab_size':16777217}", "vocab_size", "16777216"),
                fault("{'max_position_embeddings':0}", "max_position_embeddings", "'0'"),
                fault("{'rms_norm_eps':0}", "rms_norm_eps", "'0'", "above 0"),
                fault("{'rms_norm_eps':-1e-5}", "rms_norm_eps", "above 0"),
                fault("{'rms_norm_eps':1e999}", "rms_norm_eps"),
                fault("{'rms_norm_eps':'1e-5'}", "rms_norm_eps", "\"1e-5\""),
                fault("{'rope_theta':0}", "rope_theta", "'0'"),
                fault("{'rope_theta':[10000]}", "rope_theta", "'[10000]'"),
                fault("{'rope_scaling':'llama3'}", "rope scaling", "\"llama3\"", "object"),
                fault("{'rope_scaling':[8]}", "rope scaling", "'[8]'", "object"),
                fault("{'rope_scaling':{'type':3}}", "type", "'3'", "string"),
                fault("{'rope_scaling':{'rope_type':{}}}", "rope_type", "'{}'", "string"),
                fault("{'rope_scaling':{'type':'linear'}}", "factor", "missing"),
                fault("{'rope_scaling':{'type':'linear','factor':0}}", "factor", "'0'"),
                fault("{'rope_parameters':{'rope_theta':-1}}", "rope_theta", "'-1'"),
                fault(
                        "{'rope_scaling':{'rope_type':'llama3','factor':8,'low_freq_factor':4,'high_freq_factor':4,"
                                + "'original_max_position_embeddings':32}}",
                        "high_freq_factor 4.0",
                        "low_freq_factor 4.0"),
                fault("{'tie_word_embeddings':'yes'}", "tie_word_embeddings", "\"yes\"", "true or false"),
                fault("{'tie_word_embeddings':1}", "tie_word_embeddings", "'1'", "true or false"),
                fault("{'attention_bias':'no'}", "attention_bias", "\"no\"", "true or false"),
                fault("{'mlp_bias':[]}", "mlp_bias", "'[]'", "true or false"),
                fault("{'hidden_act':{}}", "hidden_act", "'{}'", "string"),
                fault("{'model_type':'mistral'}", "model_type 'mistral'", "'LlamaForCausalLM'", "'llama'"));
    }

    static Stream<Arguments> unsupported() {
        return Stream.of(
                fault(
                        "{'architectures':['GPT2LMHeadModel']}",
                        "'GPT2LMHeadModel'",
                        "LlamaForCausalLM, MistralForCausalLM"),
                fault("{'architectures':[],'model_type':'mamba'}", "'mamba'", "LlamaForCausalLM"),
                fault("{'architectures':null,'model_type':null}", "'none named'", "LlamaForCausalLM"),
                fault("{'architectures':[7],'model_type':[7]}", "not supported", "LlamaForCausalLM"),
                fault("{'architectures':['" + "x".repeat(9999) + "']}", "xxx…", "LlamaForCausalLM"),
                fault("{'architectures':['a\\nb']}", "'a?b'"),
                fault("{'quantization_config':{'quant_method':'gptq'}}", "quantization_config", "quantised"),
                fault("{'sliding_window':4096}", "sliding_window", "not supported"),
                fault("{'hidden_act':'gelu'}", "hidden_act", "'gelu'", "'silu'"),
                fault("{'partial_rotary_factor':0.5}", "partial_rotary_factor", "not supported"),
                fault("{'rope_parameters':{'partial_rotary_factor':0.5}}", "partial_rotary_factor"),
                fault("{'rope_scaling':{'type':'axial','factor':4}}", "'axial'", "default, linear, dynamic, llama3"));
    }

    /** What other families than Llama refuse. */
    static Stream<Arguments> faultyFamilies() {
        return Stream.of(
                Arguments.of(
                        "qwen2",
                        "{'layer_types':['full_attention']}",
                        "1 entries in layer_types",
                        "3 num_hidden_layers"),
                Arguments.of(
                        "qwen3",
                        "{'layer_types':['full_attention','full_attention','chunked']}",
                        "layer_types",
                        "'\"chunked\"'"),
                Arguments.of(
                        "smollm3", "{'no_rope_layers':[1,1]}", "2 entries in no_rope_layers", "5 num_hidden_layers"),
                Arguments.of(
                        "gemma3_text",
                        "{'use_bidirectional_attention':true}",
                        "use_bidirectional_attention",
                        "not supported"),
                Arguments.of("gemma2", "{'hidden_activation':'relu'}", "hidden_activation", "'relu'"),
                Arguments.of(
                        "phi3",
                        "{'rope_scaling':{'type':'longrope','short_factor':[1],'long_factor':[1]}}",
                        "1 entries in short_factor",
                        "4 rotated pairs"),
                Arguments.of("phi3", "{'rope_scaling':{'type':'longrope'}}", "no list short_factor", "4 rotated pairs"),
                Arguments.of(
                        "glm4",
                        "{'partial_rotary_factor':1.5,'rope_parameters':null}",
                        "partial_rotary_factor 1.5",
                        "head_dim 16"),
                Arguments.of("gemma3", "{'text_config':7}", "text_config '7'", "expected an object"));
    }

    @ParameterizedTest
    @MethodSource("faultyFamilies")
    void faultOfAFamilyIsNamed(String name, String entries, String first, String second) throws IOException {
        ObjectNode document = (ObjectNode) JsonMapper.shared()
                .readTree(Files.readAllBytes(FamilyGolden.folder(name).resolve("config.json")));
        document.setAll((ObjectNode) JsonMapper.shared().readTree(entries.replace('\'', '"')));
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() -> Families.read(document))
                .withMessageContaining(first)
                .withMessageContaining(second);
    }

    /** Of the two, transformers takes the first; and one object for each type of layer is one for all of them. */
    @Test
    void rotaryEntriesAreThoseThatTransformersTakes() {
        String llama3 = "{'rope_type':'llama3','factor':8,'low_freq_factor':1,'high_freq_factor':4,"
                + "'original_max_position_embeddings':32,'rope_theta':500000}";
        Architecture flat = read(changed(
                ("{'rope_scaling':null,'rope_theta':null,'rope_parameters':" + llama3 + "}").replace('\'', '"')));
        Architecture nested = read(
                changed(("{'rope_scaling':null,'rope_theta':null,'rope_parameters':{'full_attention':" + llama3 + "}}")
                        .replace('\'', '"')));
        Architecture both = read(
                changed(("{'rope_scaling':" + llama3 + ",'rope_parameters':{'rope_type':'default','rope_theta':10000}}")
                        .replace('\'', '"')));
        assertThat(rotary(flat).kind()).isEqualTo(new RotaryKind.Llama3(8, 1, 4, 32));
        assertThat(nested.layers()).isEqualTo(flat.layers());
        assertThat(both.layers()).isEqualTo(flat.layers());
    }

    private static Arguments fault(String entries, String... parts) {
        return Arguments.of(entries.replace('\'', '"'), parts);
    }

    @ParameterizedTest
    @MethodSource("faultyEntries")
    void faultyEntryIsRefused(String entries, String... parts) {
        refused(ErrorCode.CONFIG_INVALID, changed(entries).toString(), parts);
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void whatTheEngineCannotComputeIsRefused(String entries, String... parts) {
        refused(ErrorCode.ARCHITECTURE_UNSUPPORTED, changed(entries).toString(), parts);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hidden_size",
                "intermediate_size",
                "num_hidden_layers",
                "num_attention_heads",
                "vocab_size",
                "max_position_embeddings"
            })
    void entryThatNothingCanStandForIsNamedWhenMissing(String key) {
        ObjectNode document = document();
        document.remove(key);
        refused(ErrorCode.CONFIG_INVALID, document.toString(), "has " + key + " missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"a\":1,\"a\":2}",
                "{} {}",
                "/* */ {}",
                "{\"a\": +1}",
                "{\"hidden_size\":NaN}",
                "\u0000"
            })
    void fileThatIsNotJsonIsRefused(String content) {
        refused(ErrorCode.CONFIG_INVALID, content, content.isEmpty() ? "not a JSON object" : "not valid JSON");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "7", "null", "\"llama\""})
    void jsonThatIsNoObjectIsRefused(String content) {
        refused(ErrorCode.CONFIG_INVALID, content, "not a JSON object");
    }

    @Test
    void fileThatNestsDeepIsRefused() {
        refused(ErrorCode.CONFIG_INVALID, "{\"a\":" + "[".repeat(100_000), "not valid JSON", "depth");
    }

    @Test
    void fileThatIsNotUtf8IsRefused() throws IOException {
        Files.write(temp.resolve("config.json"), "{\"\u00e9\":1}".getBytes(StandardCharsets.ISO_8859_1));
        Refusals.refused(ErrorCode.CONFIG_INVALID, () -> Families.read(temp), "not valid JSON");
    }

    @Test
    void fileOfAbsurdSizeIsRefusedUnread() {
        refused(ErrorCode.CONFIG_INVALID, " ".repeat((1 << 20) + 1), "1048577 bytes", "1048576");
    }

    @Test
    void missingFileIsNamed() {
        Refusals.refused(ErrorCode.CONFIG_INVALID, () -> Families.read(temp), "config.json", "missing");
        Refusals.refused(ErrorCode.CONFIG_INVALID, () -> Families.read(temp.resolve("no")), "missing");
    }

    @Test
    void everyEntryIsRead() {
        TinyLlama tiny = TinyLlama.of(new LayerShape(24, 6, 3, 10, 11)).withTied(true);
        Architecture read = read(tiny.document());
        assertThat(read.name()).isEqualTo("LlamaForCausalLM");
        assertThat(read.shapes()).containsExactly(tiny.shape(), tiny.shape());
        assertThat(read.vocabularySize()).isEqualTo(50);
        assertThat(read.contextLength()).isEqualTo(64);
        assertThat(read.tiedEmbeddings()).isTrue();
        assertThat(read.norm()).isEqualTo(Norm.rms(1e-5));
        assertThat(read.spec(1))
                .isEqualTo(LayerSpec.llama(
                        Norm.rms(1e-5), new Rotary(new RotaryKind.Default(), 10_000, 10, Rotary.Pairs.HALVES), 10));
    }

    @Test
    void absentEntriesHaveTheDefaultsOfTransformers() {
        ObjectNode document = document();
        for (String optional : new String[] {
            "num_key_value_heads",
            "head_dim",
            "rms_norm_eps",
            "rope_theta",
            "rope_scaling",
            "tie_word_embeddings",
            "hidden_act",
            "torch_dtype",
            "model_type"
        }) {
            document.remove(optional);
        }
        Architecture config = read(document);
        assertThat(config.shape(0).keyValueHeads()).isEqualTo(6);
        assertThat(config.shape(0).headDim()).isEqualTo(4);
        assertThat(config.norm().epsilon()).isEqualTo(1e-6);
        assertThat(rotary(config).theta()).isEqualTo(10_000);
        assertThat(rotary(config).kind()).isEqualTo(new RotaryKind.Default());
        assertThat(config.tiedEmbeddings()).isFalse();
    }

    @Test
    void listsGiveEachLayerItsOwnSizes() {
        Architecture config = read(
                changed("{\"num_attention_heads\":[6,2],\"num_key_value_heads\":[3,2],\"intermediate_size\":[10,7]}"));
        assertThat(config.shapes()).containsExactly(new LayerShape(24, 6, 3, 4, 10), new LayerShape(24, 2, 2, 4, 7));
    }

    @Test
    void listOfEqualSizesIsTheNumber() {
        assertThat(read(changed("{\"intermediate_size\":[7,7]}")).shapes())
                .extracting(LayerShape::ffn)
                .containsExactly(7, 7);
        Architecture config = read(changed("{\"num_attention_heads\":[6,3],\"intermediate_size\":7}"));
        assertThat(config.shapes()).containsExactly(new LayerShape(24, 6, 3, 4, 7), new LayerShape(24, 3, 3, 4, 7));
    }

    @Test
    void absentKeyValueHeadsAreEachLayersHeads() {
        ObjectNode document = changed("{\"num_attention_heads\":[6,2]}");
        document.remove("num_key_value_heads");
        assertThat(read(document).shapes())
                .extracting(LayerShape::keyValueHeads)
                .containsExactly(6, 2);
    }

    @Test
    void nullsOfOptionalEntriesMeanAbsent() {
        Architecture config = read(changed("""
                {"num_key_value_heads":null,"head_dim":null,"rope_scaling":null,"rope_parameters":null,
                 "tie_word_embeddings":null,"attention_bias":null,"mlp_bias":null,"sliding_window":null,
                 "quantization_config":null,"hidden_act":null,"rms_norm_eps":null,"rope_theta":null}"""));
        assertThat(config.shape(0).keyValueHeads()).isEqualTo(6);
        assertThat(config.shape(0).headDim()).isEqualTo(4);
    }

    /** transformers 5 writes both rotary entries into one object. */
    @Test
    void rotaryParametersAreReadFromEitherPlace() {
        String llama3 = "\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,"
                + "\"original_max_position_embeddings\":32";
        Architecture old = read(changed("{\"rope_theta\":500000,\"rope_scaling\":{" + llama3 + "}}"));
        Architecture late = read(changed("{\"rope_theta\":null,\"rope_scaling\":null,"
                + "\"rope_parameters\":{\"rope_theta\":500000,\"partial_rotary_factor\":1.0," + llama3 + "}}"));
        for (Architecture config : new Architecture[] {old, late}) {
            assertThat(rotary(config).theta()).isEqualTo(500_000);
            assertThat(rotary(config).kind()).isEqualTo(new RotaryKind.Llama3(8, 1, 4, 32));
        }
    }

    @Test
    void mistralWithoutWindowIsRead() {
        Architecture mistral = read(changed(
                "{\"architectures\":[\"MistralForCausalLM\"],\"model_type\":\"mistral\",\"sliding_window\":null}"));
        assertThat(mistral.name()).isEqualTo("MistralForCausalLM");
        assertThat(mistral.spec(0).windowed()).isFalse();
    }

    private static Rotary rotary(Architecture architecture) {
        return architecture.spec(0).rotary().orElseThrow();
    }

    private static ObjectNode changed(String entries) {
        ObjectNode document = document();
        document.setAll((ObjectNode) JsonMapper.shared().readTree(entries));
        return document;
    }

    private Architecture read(ObjectNode document) {
        write(document.toString());
        return Families.read(temp);
    }

    private void refused(ErrorCode code, String content, String... parts) {
        write(content);
        Refusals.refused(code, () -> Families.read(temp), parts);
    }

    private void write(String content) {
        try {
            Files.writeString(temp.resolve("config.json"), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
