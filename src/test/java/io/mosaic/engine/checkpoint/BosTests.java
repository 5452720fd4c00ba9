package io.mosaic.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Which token begins a text, and whether the tokenizer says that it does: by its configuration, else by its template. */
class BosTests {
    private static final String TEMPLATE = "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<s>'}},"
            + "{'Sequence':{'id':'A'}}],'special_tokens':{'<s>':{'id':'<s>','ids':[5],'tokens':['<s>']}}}";
    private static final String BARE =
            "{'type':'TemplateProcessing','single':[{'Sequence':{'id':'A'}}],'special_tokens':{}}";

    @TempDir
    Path temp;

    static Stream<Arguments> configurations() {
        return Stream.of(
                Arguments.of("{'bos_token':'<s>','add_bos_token':true}", "null", OptionalInt.of(5), true),
                Arguments.of("{'bos_token':'<s>','add_bos_token':false}", TEMPLATE, OptionalInt.of(5), false),
                Arguments.of("{'bos_token':{'content':'<s>'}}", TEMPLATE, OptionalInt.of(5), true),
                Arguments.of("{'bos_token':'<s>'}", "null", OptionalInt.of(5), false),
                Arguments.of("{'bos_token':'<s>'}", BARE, OptionalInt.of(5), false),
                Arguments.of("{'bos_token':'word'}", "null", OptionalInt.of(1), false),
                Arguments.of("{'bos_token':null}", "null", OptionalInt.empty(), false),
                Arguments.of("{'add_bos_token':true}", "null", OptionalInt.empty(), false),
                Arguments.of(
                        "{}",
                        "{'type':'Sequence','processors':[{'type':'ByteLevel'}," + TEMPLATE + "]}",
                        OptionalInt.of(5),
                        true));
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void bosIsThatOfTheConfiguration(String config, String processor, OptionalInt id, boolean added)
            throws IOException {
        Files.writeString(temp.resolve("tokenizer_config.json"), config.replace('\'', '"'));
        assertThat(read(processor)).isEqualTo(new Bos(id, added));
    }

    @Test
    void withoutAConfigurationTheTemplateDecides() {
        assertThat(read(TEMPLATE)).isEqualTo(new Bos(OptionalInt.of(5), true));
        assertThat(read("null")).isEqualTo(new Bos(OptionalInt.empty(), false));
    }

    private Bos read(String processor) {
        String tokenizer = "{'added_tokens':[{'id':5,'content':'<s>'}],'post_processor':" + processor
                + ",'model':{'vocab':{'word':1}}}";
        return Bos.read(temp, StrictJson.MAPPER.readTree(tokenizer.replace('\'', '"')));
    }
}
