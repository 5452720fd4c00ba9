package io.mosaic.server.error;

import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.core.converter.ResolvedSchema;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.responses.ApiResponse;
import java.util.Optional;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What OpenAPI says of the whole service: its name, and how every operation tells a failure. */
@Configuration
class OpenApiContract {
    @Bean
    OpenAPI openApi(Optional<BuildProperties> build) {
        return new OpenAPI()
                .info(new Info()
                        .title("Mosaic")
                        .description("Prunes large language models")
                        .version(build.map(BuildProperties::getVersion).orElse("development")));
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
            api.getPaths().values().stream()
                    .flatMap(path -> path.readOperations().stream())
                    .forEach(operation -> operation.getResponses().addApiResponse("default", failure));
        };
    }
}
