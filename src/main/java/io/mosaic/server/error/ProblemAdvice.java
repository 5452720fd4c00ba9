package io.mosaic.server.error;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Excerpt;
import io.mosaic.engine.MosaicException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/** Turns every failure inside a controller into problem+json. */
@RestControllerAdvice
class ProblemAdvice extends ResponseEntityExceptionHandler {
    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);
    private static final String RETRY_SECONDS = "5";
    private static final int SHOWN = 60;

    @ExceptionHandler
    ResponseEntity<ProblemDetail> faults(InvalidRequestException e) {
        HttpStatus status = e.code() == ErrorCode.OUTPUT_TAKEN ? HttpStatus.CONFLICT : HttpStatus.BAD_REQUEST;
        ProblemDetail problem = Problems.of(e.code(), status, e.detail());
        problem.setProperty("violations", e.violations());
        return answer(problem);
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> failure(MosaicException e) {
        HttpStatus status = Problems.status(e.code());
        if (status.is5xxServerError()) {
            log.error("Request failed", e);
        }
        return answer(Problems.of(e.code(), status, e.detail()));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> wrongType(MethodArgumentTypeMismatchException e) {
        String field = Optional.ofNullable(e.getPropertyName()).orElse(e.getName());
        return faults(new InvalidRequestException(List.of(
                new Violation(field, "'" + shortened(e.getValue()) + "' is not " + expected(e.getRequiredType())))));
    }

    /**
     * Closes the connection of an answer that has begun: it cannot be corrected, and no client may take the rest of it,
     * or the next answer, for what it asked for.
     */
    @ExceptionHandler
    ResponseEntity<ProblemDetail> broken(IOException e, HttpServletResponse response) throws IOException {
        if (response.isCommitted()) {
            throw e;
        }
        return unexpected(e);
    }

    @ExceptionHandler({
        DataAccessResourceFailureException.class,
        TransientDataAccessException.class,
        CannotCreateTransactionException.class
    })
    ResponseEntity<ProblemDetail> databaseAway(Exception e) {
        log.error("The database does not answer: {}", e.getMessage());
        return ResponseEntity.status(HttpStatus.SERVICE_UNAVAILABLE)
                .header(HttpHeaders.RETRY_AFTER, RETRY_SECONDS)
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(Problems.of(
                        ErrorCode.DATABASE_UNAVAILABLE,
                        HttpStatus.SERVICE_UNAVAILABLE,
                        "The database does not answer; try again in a moment"));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> unauthenticated(AuthenticationException e) {
        return ResponseEntity.status(HttpStatus.UNAUTHORIZED)
                .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer")
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(Problems.of(
                        ErrorCode.UNAUTHENTICATED,
                        HttpStatus.UNAUTHORIZED,
                        "A valid key or token is required: Authorization: Bearer …"));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> denied(AccessDeniedException e) {
        String detail = e instanceof AuthorizationDeniedException
                ? "This key or token lacks the scope: read to look, submit to queue and cancel, admin for keys, the audit"
                        + " and deleting models"
                : String.valueOf(e.getMessage());
        return answer(Problems.of(ErrorCode.FORBIDDEN, HttpStatus.FORBIDDEN, detail));
    }

    /** Query strings that Tomcat cannot decode. */
    @ExceptionHandler
    ResponseEntity<ProblemDetail> undecodable(InvalidParameterException e) {
        return answer(Problems.of(
                ErrorCode.INVALID_REQUEST, HttpStatus.BAD_REQUEST, "The query string is malformed or too long"));
    }

    @ExceptionHandler
    ResponseEntity<ProblemDetail> unexpected(Exception e) {
        log.error("Request failed unexpectedly", e);
        return answer(Problems.of(
                ErrorCode.INTERNAL_ERROR, HttpStatus.INTERNAL_SERVER_ERROR, "An unexpected fault; the log has it"));
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMediaTypeNotAcceptable(
            HttpMediaTypeNotAcceptableException e, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        return handleExceptionInternal(e, e.getBody(), headers, status, request);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleExceptionInternal(
            Exception e, @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        if (status.is5xxServerError()) {
            log.error("Request failed", e);
        }
        String detail = body instanceof ProblemDetail given && given.getDetail() != null
                ? given.getDetail()
                : HttpStatus.valueOf(status.value()).getReasonPhrase();
        HttpHeaders answered = new HttpHeaders(headers);
        answered.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return super.handleExceptionInternal(
                e, Problems.of(Problems.code(status), status, detail), answered, status, request);
    }

    private static ResponseEntity<ProblemDetail> answer(ProblemDetail problem) {
        return ResponseEntity.status(problem.getStatus())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(problem);
    }

    private static String expected(@Nullable Class<?> type) {
        if (type != null && type.isEnum()) {
            return "one of " + List.of(type.getEnumConstants());
        }
        return type == null ? "valid here" : "a " + type.getSimpleName();
    }

    private static String shortened(@Nullable Object value) {
        return Excerpt.of(String.valueOf(value), SHOWN);
    }
}
