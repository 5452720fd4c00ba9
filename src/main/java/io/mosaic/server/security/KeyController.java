package io.mosaic.server.security;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.mosaic.server.PageView;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.error.Violation;
import io.mosaic.server.request.JsonBody;
import io.mosaic.server.request.RequestFields;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;

@ApiController
@RequestMapping("/keys")
@Tag(name = "Keys")
class KeyController {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");
    private static final List<String> RESERVED = List.of(ApiKeyProvider.BOOTSTRAP, AuditInterceptor.ANYONE);
    private static final Duration LONGEST_LIFE = Duration.ofDays(3650);
    private static final Duration LONGEST_OVERLAP = Duration.ofDays(30);

    private final ApiKeys keys;
    private final JsonBody json;

    KeyController(ApiKeys keys, JsonBody json) {
        this.keys = keys;
        this.json = json;
    }

    /** The body as OpenAPI describes it. */
    @Schema(name = "KeyRequest")
    record KeyRequest(String name, List<Scope> scopes, Optional<Instant> expiresAt) {}

    /**
     * A new key.
     *
     * @param secret sent by its holder; it is not shown again
     */
    record NewKeyView(@JsonUnwrapped ApiKey key, String secret) {
        static NewKeyView of(ApiKeys.Created created) {
            return new NewKeyView(created.key(), created.secret());
        }
    }

    @Operation(
            summary = "Makes a key and shows its secret this once",
            requestBody =
                    @RequestBody(
                            required = true,
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                                            schema = @Schema(implementation = KeyRequest.class))))
    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<NewKeyView> create(HttpServletRequest request) throws IOException {
        List<Violation> violations = new ArrayList<>();
        RequestFields fields = new RequestFields(json.read(request.getInputStream()), violations);
        String name = fields.text("name").orElse("");
        if (!NAME.matcher(name).matches() || RESERVED.contains(name)) {
            fields.fault(
                    "name",
                    RequestFields.quoted(name)
                            + " is not 1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a"
                            + " letter or digit, other than " + String.join(" and ", RESERVED));
        }
        List<Scope> scopes = scopes(fields);
        Optional<Instant> expiresAt = expiry(fields);
        fields.end();
        if (!violations.isEmpty()) {
            throw new InvalidRequestException(violations);
        }
        return shownOnce(keys.create(name, scopes, expiresAt));
    }

    private static List<Scope> scopes(RequestFields fields) {
        List<String> words = fields.texts("scopes").orElse(List.of());
        List<Scope> scopes = Arrays.stream(Scope.values())
                .filter(scope -> words.contains(scope.toString()))
                .toList();
        if (words.isEmpty() || scopes.size() != words.size()) {
            fields.fault("scopes", "is not a list of different ones of " + Arrays.toString(Scope.values()));
        }
        return scopes;
    }

    private static Optional<Instant> expiry(RequestFields fields) {
        return fields.text("expiresAt").flatMap(text -> {
            try {
                Instant time = Instant.parse(text);
                Duration ahead = Duration.between(Instant.now(), time);
                if (ahead.isPositive() && ahead.compareTo(LONGEST_LIFE) <= 0) {
                    return Optional.of(time);
                }
            } catch (DateTimeParseException e) {
                // reported below
            }
            fields.fault(
                    "expiresAt",
                    RequestFields.quoted(text) + " is not a time within the next " + LONGEST_LIFE.toDays()
                            + " days, like 2030-01-31T00:00:00Z");
            return Optional.empty();
        });
    }

    @Operation(summary = "Lists all keys ever made, without their secrets")
    @GetMapping
    PageView<ApiKey> keys() {
        return PageView.all(keys.list());
    }

    @Operation(summary = "Makes a key in the place of another, which works on for so many seconds")
    @PostMapping("/{id}/rotate")
    ResponseEntity<NewKeyView> rotate(@PathVariable UUID id, @RequestParam(defaultValue = "0") long overlapSeconds) {
        if (overlapSeconds < 0 || overlapSeconds > LONGEST_OVERLAP.toSeconds()) {
            throw new InvalidRequestException(List.of(new Violation(
                    "overlapSeconds", overlapSeconds + " is not from 0 to " + LONGEST_OVERLAP.toSeconds())));
        }
        return shownOnce(keys.rotate(id, Duration.ofSeconds(overlapSeconds)));
    }

    @Operation(summary = "Revokes a key at once and for good")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void revoke(@PathVariable UUID id) {
        keys.revoke(id);
    }

    private static ResponseEntity<NewKeyView> shownOnce(ApiKeys.Created created) {
        return ResponseEntity.status(HttpStatus.CREATED)
                .cacheControl(CacheControl.noStore())
                .body(NewKeyView.of(created));
    }
}
