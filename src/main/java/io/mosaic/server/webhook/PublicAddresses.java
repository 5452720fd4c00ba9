package io.mosaic.server.webhook;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * Resolves hosts, including literal addresses, and refuses those outside the public internet. A client that connects to
 * the resolved addresses, without resolving again, cannot be led elsewhere by a name that changes in between.
 */
@Component
final class PublicAddresses implements DnsResolver {
    private static final List<Network> PRIVATE = Stream.of(
                    "0.0.0.0/8", // this host, which connects to itself
                    "10.0.0.0/8",
                    "100.64.0.0/10", // carrier-grade NAT
                    "127.0.0.0/8",
                    "169.254.0.0/16", // link-local, and the metadata of clouds
                    "172.16.0.0/12",
                    "192.0.0.0/24",
                    "192.168.0.0/16",
                    "198.18.0.0/15", // benchmarks
                    "224.0.0.0/3") // multicast, reserved, broadcast
            .map(Network::of)
            .toList();

    private final boolean allowPrivate;
    private final DnsResolver names;

    @Autowired
    PublicAddresses(WebhookProperties properties) {
        this(properties.allowPrivateAddresses(), SystemDefaultDnsResolver.INSTANCE);
    }

    /** @param names resolves without checking the addresses */
    PublicAddresses(boolean allowPrivate, DnsResolver names) {
        this.allowPrivate = allowPrivate;
        this.names = names;
    }

    /** @throws PrivateAddressException if one of the host's addresses is private */
    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        if (!allowPrivate && localName(host)) {
            throw new PrivateAddressException();
        }
        InetAddress[] addresses = names.resolve(host);
        if (!allowPrivate && !Stream.of(addresses).allMatch(PublicAddresses::isPublic)) {
            throw new PrivateAddressException();
        }
        return addresses;
    }

    @Override
    public String resolveCanonicalHostname(String host) throws UnknownHostException {
        return names.resolveCanonicalHostname(host);
    }

    private static boolean localName(String host) {
        String name = host.toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
        return name.equals("localhost") || name.endsWith(".localhost");
    }

    private static boolean isPublic(InetAddress address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        return address instanceof Inet4Address ? isPublic(bytes.getInt(0)) : isPublic(bytes);
    }

    private static boolean isPublic(int address) {
        return PRIVATE.stream().noneMatch(network -> network.contains(address));
    }

    /** Allows IPv6 only if globally routed and not mapped to a private IPv4 address. */
    private static boolean isPublic(ByteBuffer address) {
        if (address.getLong(0) == 0x0064_ff9b_0000_0000L && address.getInt(8) == 0) {
            return isPublic(address.getInt(12)); // NAT64
        }
        if (address.getShort(0) == 0x2002) {
            return isPublic(address.getInt(2)); // 6to4
        }
        boolean teredo = address.getInt(0) == 0x2001_0000;
        return !teredo && (address.get(0) & 0xe0) == 0x20;
    }

    private record Network(int address, int mask) {
        static Network of(String text) {
            String[] parts = text.split("/", 2);
            int address = ByteBuffer.wrap(Inet4Address.ofLiteral(parts[0]).getAddress())
                    .getInt();
            return new Network(address, -1 << (Integer.SIZE - Integer.parseInt(parts[1])));
        }

        boolean contains(int other) {
            return (other & mask) == address;
        }
    }
}
