package io.mosaic.server.error;

import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.core.converter.ResolvedSchema;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import java.math.BigDecimal;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What OpenAPI says of the whole service: its name, and how every operation reports a failure. */
@Configuration
class OpenApiContract {
    private static final String BEARER = "bearer";
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?");

    @Bean
    OpenAPI openApi(Optional<BuildProperties> build) {
        return new OpenAPI()
                .info(new Info()
                        .title("Mosaic")
                        .description("Prunes large language models")
                        .version(build.map(BuildProperties::getVersion).orElse("development")))
                .components(
                        new Components()
                                .addSecuritySchemes(
                                        BEARER,
                                        new SecurityScheme()
                                                .type(SecurityScheme.Type.HTTP)
                                                .scheme("bearer")
                                                .description(
                                                        "A key of POST /keys or a token of the issuer, where one is asked for")))
                .addSecurityItem(new SecurityRequirement().addList(BEARER));
    }

    /** Turns numeric defaults into numbers; annotations write all defaults as text. */
    private static void defaultsAsNumbers(Schema<?> schema) {
        Map<String, Schema> fields = Objects.requireNonNullElse(schema.getProperties(), Map.of());
        fields.values().forEach(field -> {
            if (field.getDefault() instanceof String text
                    && NUMBER.matcher(text).matches()) {
                field.setDefault(new BigDecimal(text));
            }
        });
    }

    @Bean
    OpenApiCustomizer problems() {
        ResolvedSchema problem = ModelConverters.getInstance()
                .resolveAsResolvedSchema(new AnnotatedType(ProblemSchema.class).resolveAsRef(true));
        ApiResponse failure = new ApiResponse()
                .description(
                        "The request cannot be answered: code says why, violations lists every fault of its fields")
                .content(new Content()
                        .addMediaType(
                                org.springframework.http.MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                                new MediaType().schema(problem.schema)));
        return api -> {
            problem.referencedSchemas.forEach(api.getComponents()::addSchemas);
            api.getComponents().getSchemas().values().forEach(OpenApiContract::defaultsAsNumbers);
            api.getPaths().values().stream()
                    .flatMap(path -> path.readOperations().stream())
                    .forEach(operation -> operation.getResponses().addApiResponse("default", failure));
        };
    }
}
