package io.mosaic.server.security;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what to do, without a stack trace. */
final class UnprotectedServiceAnalyzer extends AbstractFailureAnalyzer<UnprotectedServiceException> {
    @Override
    protected FailureAnalysis analyze(Throwable failure, UnprotectedServiceException cause) {
        return new FailureAnalysis(
                cause.getMessage(),
                "Set MOSAIC_SECURITY_BOOTSTRAP_KEY to a secret of at least " + SecurityProperties.SHORTEST
                        + " characters, or SPRING_SECURITY_OAUTH2_RESOURCESERVER_JWT_ISSUER_URI to your OpenID"
                        + " Connect issuer, or listen on loopback: SERVER_ADDRESS=127.0.0.1.",
                cause);
    }
}
