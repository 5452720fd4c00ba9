package io.mosaic.server.security;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.security.Principal;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.http.HttpHeaders;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Limits requests per minute for each key or token, with bursts of up to the same number; counted in this process's
 * memory.
 */
final class RateLimit extends OncePerRequestFilter {
    private static final int REMEMBERED = 10_000;

    private final int perMinute;
    private final HandlerExceptionResolver problems;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > REMEMBERED;
        }
    };

    RateLimit(int perMinute, HandlerExceptionResolver problems) {
        this.perMinute = perMinute;
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        Principal who = request.getUserPrincipal();
        if (who != null && perMinute > 0) {
            ConsumptionProbe probe = bucket(who.getName()).tryConsumeAndReturnRemaining(1);
            if (!probe.isConsumed()) {
                long seconds =
                        1 + Duration.ofNanos(probe.getNanosToWaitForRefill()).toSeconds();
                response.setHeader(HttpHeaders.RETRY_AFTER, Long.toString(seconds));
                problems.resolveException(
                        request,
                        response,
                        null,
                        new MosaicException(
                                ErrorCode.RATE_LIMITED,
                                "More than " + perMinute + " requests a minute of " + who.getName() + "; try again in "
                                        + seconds + " s"));
                return;
            }
        }
        chain.doFilter(request, response);
    }

    private Bucket bucket(String name) {
        synchronized (buckets) {
            return buckets.computeIfAbsent(
                    name,
                    absent -> Bucket.builder()
                            .addLimit(limit -> limit.capacity(perMinute).refillGreedy(perMinute, Duration.ofMinutes(1)))
                            .build());
        }
    }
}
