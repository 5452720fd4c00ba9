package io.mosaic.server.security;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.TinyModel;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Keys, tokens, scopes, limits and the audit, over HTTP. */
@IdleServerTest
@TestPropertySource(
        properties = {
            "mosaic.security.bootstrap-key=" + AuthenticationTests.BOOTSTRAP,
            "mosaic.security.requests-per-minute=150",
            "mosaic.queue.per-submitter=2"
        })
class AuthenticationTests {
    static final String BOOTSTRAP = "bootstrap-key-of-this-test-0123456789";
    private static final RSAKey ISSUER = issuer();
    private static final HttpServer JWKS = jwks();

    private final Api api;
    private final Api admin;
    private final MosaicHome home;
    private final JdbcClient jdbc;

    AuthenticationTests(Api api, MosaicHome home, JdbcClient jdbc) {
        this.api = api;
        this.admin = api.as(BOOTSTRAP);
        this.home = home;
        this.jdbc = jdbc;
    }

    @DynamicPropertySource
    static void tokens(DynamicPropertyRegistry registry) {
        registry.add(
                "spring.security.oauth2.resourceserver.jwt.jwk-set-uri",
                () -> "http://127.0.0.1:" + JWKS.getAddress().getPort() + "/jwks");
    }

    @AfterAll
    static void stop() {
        JWKS.stop(0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/jobs", "/models", "/corpora", "/workers", "/keys", "/audit", "/actuator/metrics", "/none"})
    void nothingIsToldToStrangers(String path) {
        HttpResponse<String> answer = api.get(path);

        Api.problem(answer, 401, ErrorCode.UNAUTHENTICATED);
        assertThat(answer.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
        assertThat(answer.headers().map()).doesNotContainKey("set-cookie");
        Api.problem(api.as("mosaic_made-up").get(path), 401, ErrorCode.UNAUTHENTICATED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health/liveness", "/actuator/prometheus", "/v3/api-docs", "/swagger-ui.html"})
    void probesAndTheContractStayOpen(String path) {
        assertThat(api.get(path).statusCode()).isIn(200, 302);
    }

    @ParameterizedTest
    @CsvSource({
        "read,   200, 403, 403, 403",
        "submit, 200, 202, 403, 403",
        "admin,  200, 202, 204, 200",
    })
    void scopesAllowWhatTheySay(String scope, int look, int submit, int delete, int keys) {
        Api holder = api.as(key("scope-" + scope, scope).path("secret").stringValue());
        String model = "scoped/" + scope;
        TinyModel.random(3).writeTo(home.models().resolve(model));

        assertThat(holder.get("/jobs").statusCode()).isEqualTo(look);
        assertThat(holder.head("/jobs").statusCode()).isEqualTo(look);
        assertThat(holder.post("/jobs", Requests.tiny("scoped/by-" + scope)).statusCode())
                .isEqualTo(submit);
        assertThat(holder.delete("/models/" + model).statusCode()).isEqualTo(delete);
        assertThat(holder.get("/keys").statusCode()).isEqualTo(keys);
    }

    @Test
    void tokensOfTheIssuerCarryTheirScopes() throws JOSEException {
        assertThat(api.as(token(ISSUER, "reader", "read", 60)).get("/jobs").statusCode())
                .isEqualTo(200);
        Api.problem(
                api.as(token(ISSUER, "reader", "read", 60)).post("/jobs", Requests.tiny("scoped/by-token")),
                403,
                ErrorCode.FORBIDDEN);
        for (String nobody : new String[] {"", "a\u0000b", "a\r\nb", "x".repeat(201)}) {
            Api.problem(api.as(token(ISSUER, nobody, "admin", 60)).get("/jobs"), 401, ErrorCode.UNAUTHENTICATED);
        }
        Api.problem(api.as(token(ISSUER, "late", "read", -120)).get("/jobs"), 401, ErrorCode.UNAUTHENTICATED);
        Api.problem(api.as(token(issuer(), "forger", "admin", 60)).get("/jobs"), 401, ErrorCode.UNAUTHENTICATED);
    }

    @Test
    void secretIsShownOnceAndOnlyItsHashIsKept() {
        JsonNode made = key("shown", "read");
        String secret = made.path("secret").stringValue();

        assertThat(secret).startsWith("mosaic_").hasSizeGreaterThan(40);
        assertThat(admin.get("/keys").body()).contains("shown").doesNotContain(secret);
        assertThat(jdbc.sql("select k::text from api_key k").query(String.class).list())
                .noneMatch(row -> row.contains(secret));
        assertThat(admin.get("/actuator/metrics").body()).doesNotContain(secret);
    }

    @Test
    void revokedAndExpiredKeysOpenNothing() {
        JsonNode made = key("revoked", "read");
        Api holder = api.as(made.path("secret").stringValue());
        assertThat(holder.get("/jobs").statusCode()).isEqualTo(200);

        assertThat(admin.delete("/keys/" + made.path("id").stringValue()).statusCode())
                .isEqualTo(204);
        Api.problem(holder.get("/jobs"), 401, ErrorCode.UNAUTHENTICATED);
        Api.problem(admin.delete("/keys/" + UUID.randomUUID()), 404, ErrorCode.KEY_NOT_FOUND);

        JsonNode passing = key("passing", "read");
        jdbc.sql("update api_key set expires_at = clock_timestamp() where id = :id")
                .param("id", UUID.fromString(passing.path("id").stringValue()))
                .update();
        Api.problem(api.as(passing.path("secret").stringValue()).get("/jobs"), 401, ErrorCode.UNAUTHENTICATED);
    }

    @Test
    void rotationHandsOverWithoutAGap() {
        JsonNode old = key("rotated", "read");
        Api before = api.as(old.path("secret").stringValue());

        HttpResponse<String> answer =
                admin.post("/keys/" + old.path("id").stringValue() + "/rotate?overlapSeconds=3600", "");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        JsonNode fresh = Api.json(answer);

        assertThat(fresh.path("name").stringValue()).isEqualTo("rotated");
        assertThat(before.get("/jobs").statusCode()).isEqualTo(200);
        assertThat(api.as(fresh.path("secret").stringValue()).get("/jobs").statusCode())
                .isEqualTo(200);

        admin.post("/keys/" + fresh.path("id").stringValue() + "/rotate", "");
        Api.problem(api.as(fresh.path("secret").stringValue()).get("/jobs"), 401, ErrorCode.UNAUTHENTICATED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"2001-01-01T00:00:00Z", "+1000000000-12-31T23:59:59.999999999Z", "+5000-01-01", "soon", ""})
    void faultyKeysAreRefusedWithEveryFault(String expiry) {
        ObjectNode body = JsonMapper.shared().createObjectNode();
        body.put("name", "-x y").put("expiresAt", expiry).put("colour", "red");
        body.putArray("scopes").add("root");

        JsonNode problem = Api.problem(admin.post("/keys", body), 400, ErrorCode.INVALID_REQUEST);

        assertThat(problem.path("violations"))
                .extracting(violation -> violation.path("field").stringValue())
                .containsExactlyInAnyOrder("name", "scopes", "expiresAt", "colour");
    }

    @Test
    void submitterIsNamedAndHasAQuota() {
        Api holder = api.as(key("busy", "submit").path("secret").stringValue());
        String first = holder.submit(Requests.tiny("quota/one"));
        holder.submit(Requests.tiny("quota/two"));

        JsonNode problem =
                Api.problem(holder.post("/jobs", Requests.tiny("quota/three")), 429, ErrorCode.QUOTA_EXCEEDED);

        assertThat(problem.path("detail").stringValue()).contains("busy", "limit of 2");
        assertThat(holder.job(first).path("submittedBy").stringValue()).isEqualTo("busy");
        holder.post("/jobs/" + first + "/cancel", "");
        holder.submit(Requests.tiny("quota/three"));
    }

    @Test
    void submittersChooseTheirIdempotencyKeysForThemselves() {
        Api one = api.as(key("one", "submit").path("secret").stringValue());
        Api other = api.as(key("another", "submit").path("secret").stringValue());

        HttpResponse<String> first = one.post("/jobs", Requests.tiny("mine/one"), "Idempotency-Key", "nightly");
        HttpResponse<String> second = other.post("/jobs", Requests.tiny("mine/two"), "Idempotency-Key", "nightly");
        HttpResponse<String> again = one.post("/jobs", Requests.tiny("mine/one"), "Idempotency-Key", "nightly");

        assertThat(first.statusCode()).isEqualTo(202);
        assertThat(second.statusCode()).isEqualTo(202);
        assertThat(again.statusCode()).isEqualTo(200);
        assertThat(again.headers().firstValue("Location"))
                .isEqualTo(first.headers().firstValue("Location"));
        Api.problem(
                other.post("/jobs", Requests.tiny("mine/one"), "Idempotency-Key", "nightly"),
                409,
                ErrorCode.IDEMPOTENCY_KEY_REUSED);
    }

    @Test
    void eachKeyHasItsRequestsAMinute() {
        Api eager = api.as(key("eager", "read").path("secret").stringValue());
        Api other = api.as(key("other", "read").path("secret").stringValue());
        for (int i = 0; i < 150; i++) {
            assertThat(eager.get("/jobs/" + UUID.randomUUID()).statusCode()).isEqualTo(404);
        }

        HttpResponse<String> refused = eager.get("/jobs");
        for (int i = 0; i < 20 && refused.statusCode() == 200; i++) { // a slow machine has refilled a little
            refused = eager.get("/jobs");
        }

        Api.problem(refused, 429, ErrorCode.RATE_LIMITED);
        assertThat(refused.headers().firstValueAsLong("Retry-After").orElse(0)).isPositive();
        assertThat(other.get("/jobs").statusCode()).isEqualTo(200);
    }

    @Test
    void auditNamesWhoDidWhatAndWhatCameOfIt() {
        Api holder = api.as(key("audited", "submit").path("secret").stringValue());
        String job = holder.submit(Requests.tiny("audited/model"));
        Api.problem(holder.delete("/models/audited/none"), 403, ErrorCode.FORBIDDEN);
        holder.post("/jobs/" + job + "/cancel", "");

        List<String> entries = admin.json("/audit?size=200")
                .path("content")
                .valueStream()
                .filter(entry -> entry.path("who").stringValue().equals("audited"))
                .map(entry -> entry.path("method").stringValue() + " "
                        + entry.path("path").stringValue() + " "
                        + entry.path("status").intValue() + " "
                        + entry.path("made").asString(""))
                .toList();

        assertThat(entries).containsExactly("POST /jobs/" + job + "/cancel 202 ", "POST /jobs 202 /jobs/" + job);
        assertThat(admin.get("/audit").body()).doesNotContain(BOOTSTRAP);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "Bearer a b", "bearer", "Bearer \u00e9"})
    void malformedCredentialsAreRefused(String header) {
        assertThat(api.get("/jobs", "Authorization", header).statusCode()).isIn(400, 401);
    }

    private JsonNode key(String name, String scope) {
        ObjectNode body = JsonMapper.shared().createObjectNode().put("name", name);
        body.putArray("scopes").add(scope);
        HttpResponse<String> answer = admin.post("/keys", body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        assertThat(answer.headers().firstValue("Cache-Control")).hasValue("no-store");
        return Api.json(answer);
    }

    private static String token(RSAKey key, String subject, String scope, int seconds) throws JOSEException {
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build(),
                new JWTClaimsSet.Builder()
                        .subject(subject)
                        .claim("scope", scope)
                        .expirationTime(Date.from(Instant.now().plusSeconds(seconds)))
                        .build());
        token.sign(new RSASSASigner(key));
        return token.serialize();
    }

    private static RSAKey issuer() {
        try {
            return new RSAKeyGenerator(2048).keyID("issuer").generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HttpServer jwks() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/jwks", exchange -> {
                byte[] body = new JWKSet(ISSUER.toPublicJWK()).toString().getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().add("Content-Type", "application/json");
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
                exchange.close();
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
