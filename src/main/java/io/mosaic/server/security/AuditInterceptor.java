package io.mosaic.server.security;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.security.Principal;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Records every request that may change something. The entry is written first, so there is no change without one. */
@Component
class AuditInterceptor implements HandlerInterceptor, WebMvcConfigurer {
    private static final Logger log = LoggerFactory.getLogger(AuditInterceptor.class);
    /** The client's name where no authentication is required. */
    static final String ANYONE = "anonymous";

    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS");
    private static final String ENTRY = AuditInterceptor.class.getName();
    private static final int LONGEST_PATH = 500;

    private final Audit audit;

    AuditInterceptor(Audit audit) {
        this.audit = audit;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).excludePathPatterns("/error");
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (!SAFE.contains(request.getMethod())) {
            Principal who = request.getUserPrincipal();
            String path = request.getRequestURI();
            request.setAttribute(
                    ENTRY,
                    audit.begin(
                            who == null ? ANYONE : who.getName(),
                            request.getRemoteAddr(),
                            request.getMethod(),
                            path.substring(0, Math.min(LONGEST_PATH, path.length()))));
        }
        return true;
    }

    @Override
    public void afterCompletion(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable Exception failure) {
        if (request.getAttribute(ENTRY) instanceof Long entry) {
            try {
                audit.end(entry, response.getStatus(), Optional.ofNullable(response.getHeader(HttpHeaders.LOCATION)));
            } catch (DataAccessException e) {
                log.warn("Audit entry {} stays without its end: {}", entry, e.getMessage());
            }
        }
    }
}
