package io.mosaic.server.webhook;

import io.mosaic.server.job.JobService;
import io.mosaic.server.webhook.Deliveries.Claim;
import io.mosaic.server.webhook.Deliveries.Result;
import io.mosaic.server.webhook.Deliveries.State;
import io.mosaic.server.webhook.WebhookClient.Outcome;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sends due deliveries, each on a thread of its own so that a slow receiver does not delay the others. Every process
 * has one; a process without a secret leaves all deliveries to the others.
 */
@Component
class DeliverySender implements DisposableBean {
    static final int AT_ONCE = 16;

    private static final Logger log = LoggerFactory.getLogger(DeliverySender.class);

    private final Deliveries deliveries;
    private final JobService jobs;
    private final Signatures signatures;
    private final WebhookClient client;
    private final WebhookProperties properties;
    private final JsonMapper json;
    private final Duration lease;
    private final AtomicInteger sending = new AtomicInteger();
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("webhook-", 0).factory());

    DeliverySender(
            Deliveries deliveries,
            JobService jobs,
            Signatures signatures,
            WebhookClient client,
            WebhookProperties properties,
            JsonMapper json) {
        this.deliveries = deliveries;
        this.jobs = jobs;
        this.signatures = signatures;
        this.client = client;
        this.properties = properties;
        this.json = json;
        this.lease = properties.timeout().multipliedBy(3); // name resolution does not keep to our timeout
    }

    @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.SECONDS)
    void send() {
        if (!signatures.possible()) {
            return;
        }
        try {
            for (Claim claim : deliveries.claim(Math.max(0, AT_ONCE - sending.get()), lease)) {
                sending.incrementAndGet();
                threads.execute(() -> send(claim));
            }
        } catch (DataAccessException | TransactionException e) {
            log.warn("Webhooks are delayed: {}", e.getMessage());
        }
    }

    private void send(Claim claim) {
        try {
            conclude(claim, outcome(claim));
        } catch (DataAccessException | TransactionException e) {
            log.warn("Delivery {} of job {} will be sent again: {}", claim.id(), claim.job(), e.getMessage());
        } finally {
            sending.decrementAndGet();
        }
    }

    private Outcome outcome(Claim claim) {
        try {
            byte[] body = json.writeValueAsBytes(CloudEvent.of(claim.id(), jobs.require(claim.job())));
            return client.post(URI.create(claim.url()), body, signatures.of(claim.at(), body));
        } catch (DataAccessException | TransactionException e) {
            throw e;
        } catch (RuntimeException e) {
            log.error("Delivery {} of job {} met an unexpected fault", claim.id(), claim.job(), e);
            return new Outcome.Unanswered("an unexpected fault; the log has it");
        }
    }

    private void conclude(Claim claim, Outcome outcome) {
        boolean written = switch (outcome) {
            case Outcome.Answered answered -> conclude(claim, answered);
            case Outcome.Unanswered none -> again(claim, new Result(Optional.empty(), Optional.of(none.reason())));
            case Outcome.Refused refused ->
                deliveries.end(claim, State.FAILED, new Result(Optional.empty(), Optional.of(refused.reason())));
        };
        log.info(
                "Delivery {} of job {} attempt {}: {}{}",
                claim.id(),
                claim.job(),
                claim.attempt(),
                outcome,
                written ? "" : ", fenced out");
    }

    private boolean conclude(Claim claim, Outcome.Answered answered) {
        Result result = new Result(Optional.of(answered.status()), Optional.empty());
        return answered.taken() ? deliveries.end(claim, State.DELIVERED, result) : again(claim, result);
    }

    private boolean again(Claim claim, Result result) {
        return claim.attempt() >= properties.maxAttempts()
                ? deliveries.end(claim, State.FAILED, result)
                : deliveries.postpone(claim, properties.pauseAfter(claim.attempt()), result);
    }

    /** Waits for deliveries in progress, which end within their timeout. */
    @Override
    public void destroy() throws InterruptedException {
        threads.shutdown();
        threads.awaitTermination(properties.timeout().toMillis(), TimeUnit.MILLISECONDS);
    }
}
