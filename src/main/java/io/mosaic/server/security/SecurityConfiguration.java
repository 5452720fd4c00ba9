package io.mosaic.server.security;

import jakarta.servlet.DispatcherType;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.access.hierarchicalroles.RoleHierarchy;
import org.springframework.security.access.hierarchicalroles.RoleHierarchyImpl;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.annotation.web.configurers.HeadersConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.resource.InvalidBearerTokenException;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationProvider;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.security.oauth2.server.resource.authentication.JwtGrantedAuthoritiesConverter;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Bearer keys and tokens with scopes. Neither is required while the service listens on loopback and nothing is
 * configured; elsewhere it does not start without them.
 */
@Configuration(proxyBeanMethods = false)
@EnableWebSecurity
class SecurityConfiguration {
    private static final Logger log = LoggerFactory.getLogger(SecurityConfiguration.class);

    private static final Pattern SUBJECT = Pattern.compile("[\\p{Graph} ]{1,200}", Pattern.UNICODE_CHARACTER_CLASS);

    /**
     * Paths that name no job and no model: health, the contract, and counts and timings, which a network policy guards.
     */
    private static final String[] OPEN = {
        "/actuator/health",
        "/actuator/health/**",
        "/actuator/prometheus",
        "/v3/api-docs",
        "/v3/api-docs/**",
        "/v3/api-docs.yaml",
        "/swagger-ui.html",
        "/swagger-ui/**"
    };

    @Bean
    static RoleHierarchy scopes() {
        return RoleHierarchyImpl.fromHierarchy(Scope.ADMIN.authority() + " > " + Scope.SUBMIT.authority() + "\n"
                + Scope.SUBMIT.authority() + " > " + Scope.READ.authority());
    }

    /** Allows percent signs in file names; a decoded name is only compared with those in the folder, as it is. */
    @Bean
    HttpFirewall firewall() {
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        firewall.setAllowUrlEncodedPercent(true);
        return firewall;
    }

    @Bean
    AuthenticationManager bearers(ApiKeys keys, SecurityProperties properties, ObjectProvider<JwtDecoder> tokens) {
        List<AuthenticationProvider> providers = new ArrayList<>();
        providers.add(new ApiKeyProvider(keys, properties.bootstrapKey()));
        tokens.ifAvailable(decoder -> {
            JwtAuthenticationProvider provider = new JwtAuthenticationProvider(decoder);
            JwtGrantedAuthoritiesConverter scopes = new JwtGrantedAuthoritiesConverter();
            // names of keys have no colon, so no token can pass for a key in quotas or the audit
            provider.setJwtAuthenticationConverter(
                    token -> new JwtAuthenticationToken(token, scopes.convert(token), "token:" + subject(token)));
            providers.add(provider);
        });
        return new ProviderManager(providers);
    }

    /** The subject of a token; without one, requests could be neither counted nor audited. */
    private static String subject(Jwt token) {
        String subject = token.getSubject();
        if (subject == null || !SUBJECT.matcher(subject).matches()) {
            throw new InvalidBearerTokenException("The token's sub is not 1 to 200 printable characters");
        }
        return subject;
    }

    @Bean
    SecurityFilterChain filters(
            HttpSecurity http,
            AuthenticationManager bearers,
            SecurityProperties properties,
            Exposure exposure,
            @Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems) {
        if (!exposure.authenticates()) {
            log.info("Nobody is asked for a key: only this machine reaches the service, and none is configured");
            http.anonymous(anonymous ->
                            anonymous.principal(AuditInterceptor.ANYONE).authorities(Scope.ADMIN.authority()))
                    .addFilterBefore(new LocalClientsOnly(problems), BearerTokenAuthenticationFilter.class);
        }
        return http.authorizeHttpRequests(
                        requests -> requests.dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.ASYNC)
                                .permitAll()
                                .requestMatchers(OPEN)
                                .permitAll()
                                .requestMatchers("/keys/**", "/audit")
                                .hasAuthority(Scope.ADMIN.authority())
                                .requestMatchers(HttpMethod.DELETE, "/models/**")
                                .hasAuthority(Scope.ADMIN.authority())
                                .requestMatchers(HttpMethod.GET, "/**")
                                .hasAuthority(Scope.READ.authority())
                                .requestMatchers(HttpMethod.HEAD, "/**")
                                .hasAuthority(Scope.READ.authority())
                                .anyRequest()
                                .hasAuthority(Scope.SUBMIT.authority()))
                .oauth2ResourceServer(server -> server.authenticationManagerResolver(request -> bearers)
                        .authenticationEntryPoint(
                                (request, response, e) -> problems.resolveException(request, response, null, e))
                        .accessDeniedHandler(
                                (request, response, e) -> problems.resolveException(request, response, null, e)))
                .addFilterBefore(new DatabaseFaults(problems), BearerTokenAuthenticationFilter.class)
                .addFilterBefore(new RateLimit(properties.requestsPerMinute(), problems), AuthorizationFilter.class)
                .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                // no cookies, so another site cannot make a browser send credentials
                .csrf(AbstractHttpConfigurer::disable)
                .requestCache(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                // downloads have ETags and may be cached
                .headers(headers -> headers.cacheControl(HeadersConfigurer.CacheControlConfig::disable))
                .build();
    }
}
