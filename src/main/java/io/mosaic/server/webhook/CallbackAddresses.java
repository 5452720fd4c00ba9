package io.mosaic.server.webhook;

import io.mosaic.server.job.CallbackRule;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.springframework.stereotype.Component;

/** Checks addresses when a job is submitted; what the host resolves to is checked again on every call. */
@Component
final class CallbackAddresses implements CallbackRule {
    private static final int LONGEST = 2000;
    private static final int LAST_PORT = 65535;
    private static final Set<String> SCHEMES = Set.of("http", "https");

    private final Signatures signatures;
    private final PublicAddresses addresses;

    CallbackAddresses(Signatures signatures, PublicAddresses addresses) {
        this.signatures = signatures;
        this.addresses = addresses;
    }

    @Override
    public List<String> faults(String url) {
        List<String> faults = new ArrayList<>();
        if (!signatures.possible()) {
            faults.add("needs mosaic.webhook.secret, of at least " + WebhookProperties.SHORTEST_SECRET
                    + " characters, which is not configured here");
        }
        if (url.length() > LONGEST) {
            faults.add(url.length() + " characters are more than " + LONGEST);
        } else {
            Optional<URI> parsed = parsed(url);
            parsed.ifPresent(uri -> judge(uri, faults));
            if (parsed.isEmpty()) {
                faults.add("is not an absolute http or https URL");
            }
        }
        return faults;
    }

    private void judge(URI url, List<String> faults) {
        if (url.getRawUserInfo() != null) {
            faults.add("has user info");
        }
        if (url.getRawFragment() != null) {
            faults.add("has a fragment");
        }
        if (url.getPort() == 0 || url.getPort() > LAST_PORT) {
            faults.add("has port " + url.getPort() + ", which is not from 1 to " + LAST_PORT);
        }
        try {
            addresses.resolve(url.getHost());
        } catch (PrivateAddressException e) {
            faults.add(PrivateAddressException.REASON);
        } catch (UnknownHostException e) {
            // it may resolve by the time the job has ended
        }
    }

    private static Optional<URI> parsed(String url) {
        try {
            return Optional.of(new URI(url))
                    .filter(uri -> uri.getScheme() != null
                            && SCHEMES.contains(uri.getScheme().toLowerCase(Locale.ROOT)))
                    .filter(uri -> uri.getHost() != null)
                    .filter(uri -> uri.toASCIIString().equals(url));
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
