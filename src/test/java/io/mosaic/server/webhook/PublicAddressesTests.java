package io.mosaic.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What may be called, and what a callbackUrl may look like. */
class PublicAddressesTests {
    private static final PublicAddresses LITERALS = new PublicAddresses(false, SystemDefaultDnsResolver.INSTANCE);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.255.255.254",
                "0.0.0.0",
                "0.1.2.3",
                "10.0.0.1",
                "10.255.255.255",
                "100.64.0.1",
                "100.127.255.255",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.8",
                "192.168.1.1",
                "198.18.0.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::7f00:1",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "fc00::1",
                "fdff:ffff::1",
                "ff02::1",
                "100::1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::ffff:0:10.0.0.1",
                "64:ff9b::127.0.0.1",
                "64:ff9b::192.168.0.1",
                "64:ff9b:1::8.8.8.8",
                "2002:7f00:1::",
                "2002:a00:1::1",
                "2002:c0a8:101::1",
                "2002:a9fe:a9fe::1",
                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                "localhost",
                "LocalHost",
                "localhost.",
                "api.localhost",
            })
    void privateFormIsRefused(String host) {
        assertThatThrownBy(() -> LITERALS.resolve(host)).isInstanceOf(PrivateAddressException.class);
        assertThat(faults(LITERALS, "https://" + (host.contains(":") ? "[" + host + "]" : host) + "/hook"))
                .containsExactly(PrivateAddressException.REASON);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.1",
                "169.253.255.255",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.255.255",
                "192.169.0.0",
                "223.255.255.255",
                "2606:4700:4700::1111",
                "::ffff:8.8.8.8",
                "64:ff9b::8.8.8.8",
                "2002:808:808::1",
            })
    void publicFormIsAllowed(String host) throws UnknownHostException {
        assertThat(LITERALS.resolve(host)).hasSize(1);
        assertThat(faults(LITERALS, "https://" + (host.contains(":") ? "[" + host + "]" : host) + "/hook"))
                .isEmpty();
    }

    /** Which of them are addresses differs between platforms. */
    @ParameterizedTest
    @ValueSource(strings = {"2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "0"})
    void loopbackInOtherNumeralsIsNowhereResolved(String host) {
        assertThatThrownBy(() -> LITERALS.resolve(host)).isInstanceOf(UnknownHostException.class);
    }

    @Test
    void hostWithOnePrivateAddressAmongPublicOnesIsRefused() {
        PublicAddresses addresses = new PublicAddresses(false, named("9.9.9.9", "10.1.2.3"));

        assertThatThrownBy(() -> addresses.resolve("both.example")).isInstanceOf(PrivateAddressException.class);
        assertThat(faults(addresses, "https://both.example/"))
                .singleElement()
                .asString()
                .doesNotContain("10.1.2.3");
    }

    @Test
    void hostThatDoesNotResolveYetIsAccepted() {
        PublicAddresses addresses = new PublicAddresses(false, named());

        assertThat(faults(addresses, "https://later.example/")).isEmpty();
    }

    @Test
    void privateAddressesAreAllowedWhereConfigured() throws UnknownHostException {
        PublicAddresses addresses = new PublicAddresses(true, SystemDefaultDnsResolver.INSTANCE);

        assertThat(addresses.resolve("127.0.0.1")).hasSize(1);
        assertThat(faults(addresses, "http://127.0.0.1:9/")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ftp://example.org/ | is not an absolute http or https URL",
                "example.org/hook | is not an absolute http or https URL",
                "//example.org/hook | is not an absolute http or https URL",
                "/hook | is not an absolute http or https URL",
                "http:hook | is not an absolute http or https URL",
                "http:///hook | is not an absolute http or https URL",
                "http://exa mple.org/ | is not an absolute http or https URL",
                "http://example.org/ü | is not an absolute http or https URL",
                "http://127.1/ | is not an absolute http or https URL",
                "http://user:word@example.org/ | has user info",
                "http://@example.org/ | has user info",
                "http://example.org/#part | has a fragment",
                "http://example.org/# | has a fragment",
                "http://example.org:0/ | has port 0, which is not from 1 to 65535",
                "http://example.org:65536/ | has port 65536, which is not from 1 to 65535",
            })
    void malformedUrlIsRefused(String url, String fault) {
        assertThat(faults(new PublicAddresses(false, named()), url)).containsExactly(fault);
    }

    @Test
    void urlOfMoreThan2000CharactersIsRefused() {
        String longest = "https://example.org/" + "a".repeat(1980);

        assertThat(faults(new PublicAddresses(false, named()), longest)).isEmpty();
        assertThat(faults(new PublicAddresses(false, named()), longest + "a"))
                .containsExactly("2001 characters are more than 2000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "only thirty-one characters long"})
    void withoutASecretOf32CharactersNothingIsPromised(String secret) {
        PublicAddresses addresses = new PublicAddresses(false, named());

        assertThat(new CallbackAddresses(new Signatures(properties(secret)), addresses).faults("https://example.org/"))
                .singleElement()
                .asString()
                .contains("mosaic.webhook.secret", "32 characters");
    }

    @Test
    void pausesDoubleUpToTheLongest() {
        WebhookProperties properties = properties("");

        assertThat(properties.pauseAfter(1)).isEqualTo(Duration.ofSeconds(5));
        assertThat(properties.pauseAfter(2)).isEqualTo(Duration.ofSeconds(10));
        assertThat(properties.pauseAfter(10)).isEqualTo(Duration.ofSeconds(2560));
        assertThat(properties.pauseAfter(11)).isEqualTo(Duration.ofHours(1));
        assertThat(properties.pauseAfter(Integer.MAX_VALUE)).isEqualTo(Duration.ofHours(1));
    }

    @Test
    void settingsDoNotTellTheirSecret() {
        assertThat(properties("s".repeat(40)).toString()).doesNotContain("ssss").contains("given");
    }

    @Test
    @ExtendWith(OutputCaptureExtension.class)
    void startThatFailsDoesNotTellTheSecret(CapturedOutput output) {
        SpringApplicationBuilder application =
                new SpringApplicationBuilder(Settings.class).web(WebApplicationType.NONE);

        assertThatThrownBy(() -> application.run(
                        "--mosaic.webhook.secret=" + WebhookTest.SECRET, "--mosaic.webhook.max-attempts=0"))
                .hasStackTraceContaining("max-attempts 0 is below 1");
        assertThat(output).contains("max-attempts 0 is below 1").doesNotContain(WebhookTest.SECRET);
    }

    @EnableConfigurationProperties(WebhookProperties.class)
    private static final class Settings {}

    private static List<String> faults(PublicAddresses addresses, String url) {
        return new CallbackAddresses(new Signatures(properties("x".repeat(32))), addresses).faults(url);
    }

    private static WebhookProperties properties(String secret) {
        return new WebhookProperties(
                Optional.of(secret), false, 10, Duration.ofSeconds(5), Duration.ofHours(1), Duration.ofSeconds(10));
    }

    /** A name server that knows these addresses for every name; without any it knows no name. */
    private static DnsResolver named(String... literals) {
        return new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) throws UnknownHostException {
                if (literals.length == 0) {
                    throw new UnknownHostException(host);
                }
                InetAddress[] addresses = new InetAddress[literals.length];
                for (int i = 0; i < literals.length; i++) {
                    addresses[i] = InetAddress.ofLiteral(literals[i]);
                }
                return addresses;
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
    }
}
