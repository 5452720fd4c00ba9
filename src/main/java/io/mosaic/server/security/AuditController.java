package io.mosaic.server.security;

import io.mosaic.server.PageView;
import io.mosaic.server.error.InvalidRequestException;
import io.mosaic.server.error.Violation;
import io.mosaic.server.role.ApiController;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;

@ApiController
@Tag(name = "Audit")
class AuditController {
    private static final int LARGEST_PAGE = 1000;

    private final Audit audit;

    AuditController(Audit audit) {
        this.audit = audit;
    }

    @Operation(summary = "Who asked for which change, the newest entries first")
    @GetMapping("/audit")
    PageView<Audit.Entry> audit(
            @Parameter(description = "The id of the last entry of the page before")
                    @RequestParam(required = false)
                    @Nullable
                    Long before,
            @RequestParam(defaultValue = "100") int size) {
        if (size < 1 || size > LARGEST_PAGE) {
            throw new InvalidRequestException(
                    List.of(new Violation("size", size + " is not from 1 to " + LARGEST_PAGE)));
        }
        return PageView.all(audit.before(before == null ? Long.MAX_VALUE : before, size));
    }
}
