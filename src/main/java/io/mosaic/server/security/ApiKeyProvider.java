package io.mosaic.server.security;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;

/** Authenticates bearers of API keys, including the bootstrap key; leaves all others to the token provider. */
final class ApiKeyProvider implements AuthenticationProvider {
    static final String BOOTSTRAP = "bootstrap";

    private final ApiKeys keys;
    private final Optional<String> bootstrapKey;

    ApiKeyProvider(ApiKeys keys, Optional<String> bootstrapKey) {
        this.keys = keys;
        this.bootstrapKey = bootstrapKey;
    }

    @Override
    public @Nullable Authentication authenticate(Authentication authentication) {
        String secret = ((BearerTokenAuthenticationToken) authentication).getToken();
        if (bootstrapKey.filter(key -> same(key, secret)).isPresent()) {
            return authenticated(BOOTSTRAP, List.of(Scope.values()));
        }
        return keys.find(secret)
                .map(key -> authenticated(key.name(), key.scopes()))
                .orElse(null);
    }

    @Override
    public boolean supports(Class<?> authentication) {
        return BearerTokenAuthenticationToken.class.isAssignableFrom(authentication);
    }

    private static Authentication authenticated(String name, List<Scope> scopes) {
        return UsernamePasswordAuthenticationToken.authenticated(
                name,
                "",
                AuthorityUtils.createAuthorityList(
                        scopes.stream().map(Scope::authority).toList()));
    }

    /** Compares in constant time, so that timing does not reveal a matching prefix. */
    private static boolean same(String key, String given) {
        return MessageDigest.isEqual(key.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }
}
