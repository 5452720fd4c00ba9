package io.mosaic.server.webhook;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A delivery as the API shows it.
 *
 * @param id of the event that is sent
 * @param lastStatus of the last answer; absent if there was none
 * @param lastError why there was no answer, or why the address is not called
 * @param nextAttemptAt absent once the delivery has ended; while it is being sent, when another sender would take it
 */
record DeliveryView(
        UUID id,
        Deliveries.State state,
        int attempts,
        @Schema(implementation = Integer.class) Optional<Integer> lastStatus,
        Optional<String> lastError,
        Instant createdAt,
        Optional<Instant> nextAttemptAt,
        Optional<Instant> endedAt) {}
