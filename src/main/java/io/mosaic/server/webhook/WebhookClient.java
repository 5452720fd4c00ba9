package io.mosaic.server.webhook;

import java.io.IOException;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.DefaultSchemePortResolver;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.impl.routing.DefaultRoutePlanner;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.util.Timeout;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/**
 * Sends one event to an address chosen by a client. Each call resolves the host once and connects to the addresses
 * found public; it follows no redirect, uses no proxy, keeps no connection or cookie, reads only the head of the
 * answer, and ends within the timeout.
 */
@Component
final class WebhookClient implements DisposableBean {
    static final String SIGNATURE = "Mosaic-Signature";

    private static final Timeout CONNECT = Timeout.ofSeconds(5);
    private static final int LONGEST_LINE = 8192;
    private static final int MOST_HEADERS = 100;
    private static final int LONGEST_REASON = 300;

    private final Duration timeout;
    private final CloseableHttpClient http;
    private final ScheduledExecutorService deadlines;

    WebhookClient(WebhookProperties properties, PublicAddresses addresses) {
        this.timeout = properties.timeout();
        this.http = HttpClients.custom()
                .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                        .setDnsResolver(addresses)
                        .setConnectionFactory(ManagedHttpClientConnectionFactory.builder()
                                .http1Config(Http1Config.custom()
                                        .setMaxLineLength(LONGEST_LINE)
                                        .setMaxHeaderCount(MOST_HEADERS)
                                        .build())
                                .build())
                        .setDefaultConnectionConfig(ConnectionConfig.custom()
                                .setConnectTimeout(CONNECT)
                                .build())
                        .setMaxConnTotal(DeliverySender.AT_ONCE)
                        .setMaxConnPerRoute(DeliverySender.AT_ONCE)
                        .build())
                // a proxy would resolve the host again
                .setRoutePlanner(new DefaultRoutePlanner(DefaultSchemePortResolver.INSTANCE))
                .setConnectionReuseStrategy((request, response, context) -> false)
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setProtocolUpgradeEnabled(false)
                        .setAuthenticationEnabled(false)
                        .build())
                .setUserAgent("Mosaic")
                .disableRedirectHandling()
                .disableAutomaticRetries()
                .disableCookieManagement()
                .disableContentCompression()
                .build();
        this.deadlines = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("webhook-deadline").daemon().factory());
    }

    /** The outcome of a call. */
    sealed interface Outcome {
        record Answered(int status) implements Outcome {
            boolean taken() {
                return status / 100 == 2;
            }
        }

        /** There was no answer; a later attempt may get one. */
        record Unanswered(String reason) implements Outcome {}

        /** The address must not be called. */
        record Refused(String reason) implements Outcome {}
    }

    Outcome post(URI url, byte[] body, String signature) {
        HttpPost post = new HttpPost(url);
        post.setEntity(new ByteArrayEntity(body, ContentType.create(CloudEvent.MEDIA_TYPE)));
        post.setHeader(SIGNATURE, signature);
        ScheduledFuture<?> deadline = deadlines.schedule(post::cancel, timeout.toMillis(), TimeUnit.MILLISECONDS);
        try {
            return new Outcome.Answered(http.executeOpen(null, post, null).getCode());
        } catch (PrivateAddressException e) {
            return new Outcome.Refused(PrivateAddressException.REASON);
        } catch (IOException e) {
            return new Outcome.Unanswered(
                    post.isCancelled() ? "no answer within " + timeout.toMillis() + " ms" : reason(e));
        } finally {
            deadline.cancel(false);
            post.cancel(); // closes the connection, however much of a body is still unread
        }
    }

    private static String reason(IOException e) {
        String text = Optional.ofNullable(e.getMessage()).orElse(e.getClass().getSimpleName());
        String reason = e instanceof UnknownHostException ? "the host does not resolve: " + text : text;
        String line = reason.replaceAll("\\p{Cntrl}+", " ");
        return line.length() <= LONGEST_REASON ? line : line.substring(0, LONGEST_REASON);
    }

    @Override
    public void destroy() throws IOException {
        deadlines.shutdownNow();
        http.close();
    }
}
