package io.mosaic.server.security;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests that only look local while no key is required: from a browser led here by another site's name (DNS
 * rebinding), or forwarded by a proxy.
 */
final class LocalClientsOnly extends OncePerRequestFilter {
    private static final Set<String> LOCAL = Set.of("localhost", "[::1]", "::1");
    private static final Pattern LOOPBACK = Pattern.compile("127(\\.\\d{1,3}){3}");
    private static final List<String> PASSED_ON = List.of(
            "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", HttpHeaders.VIA);

    private final HandlerExceptionResolver problems;

    LocalClientsOnly(HandlerExceptionResolver problems) {
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String host = request.getServerName();
        boolean local = LOCAL.contains(host) || LOOPBACK.matcher(host).matches();
        if (local && PASSED_ON.stream().allMatch(header -> request.getHeader(header) == null)) {
            chain.doFilter(request, response);
        } else {
            problems.resolveException(
                    request,
                    response,
                    null,
                    new AccessDeniedException("Without keys only clients of this machine are served, under the name"
                            + " localhost and not through a proxy; see MOSAIC_SECURITY_REQUIRED"));
        }
    }
}
