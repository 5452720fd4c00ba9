package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPort;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who may talk to whom. */
class NetworkPolicyTests {
    @ParameterizedTest
    @EnumSource
    void everyPodIsClosedInBothDirections(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        for (Workload workload : manifests.workloads()) {
            Set<String> closed = policiesFor(manifests, workload)
                    .flatMap(policy -> policy.getSpec().getPolicyTypes().stream())
                    .collect(Collectors.toSet());
            assertThat(closed).as(workload.name()).containsExactlyInAnyOrder("Ingress", "Egress");
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyRuleIsOfADirectionThatItsPolicyIsFor(Overlay overlay) {
        assertThat(overlay.manifests().of(NetworkPolicy.class)).isNotEmpty().allSatisfy(policy -> {
            assertThat(policy.getSpec().getPolicyTypes()).doesNotHaveDuplicates();
            assertThat(policy.getSpec().getIngress().isEmpty()
                            || policy.getSpec().getPolicyTypes().contains("Ingress"))
                    .isTrue();
            assertThat(policy.getSpec().getEgress().isEmpty()
                            || policy.getSpec().getPolicyTypes().contains("Egress"))
                    .isTrue();
        });
    }

    @ParameterizedTest
    @EnumSource
    void everySelectorFindsPods(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        manifests.of(NetworkPolicy.class).forEach(policy -> {
            assertThat(manifests.workloads())
                    .as(policy.getMetadata().getName())
                    .anyMatch(workload -> workload.selectedBy(
                            policy.getSpec().getPodSelector().getMatchLabels()));
            peers(policy)
                    .filter(peer -> peer.getPodSelector() != null)
                    .forEach(peer -> assertThat(manifests.workloads())
                            .anyMatch(workload ->
                                    workload.selectedBy(peer.getPodSelector().getMatchLabels())));
        });
    }

    @ParameterizedTest
    @EnumSource
    void everyWayInLeadsToAPortThatIsOpen(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        manifests
                .of(NetworkPolicy.class)
                .forEach(policy -> policy.getSpec().getIngress().stream()
                        .flatMap(rule -> rule.getPorts().stream())
                        .forEach(port -> assertThat(manifests.workloads())
                                .as(policy.getMetadata().getName())
                                .anyMatch(workload -> workload.selectedBy(policy.getSpec()
                                                .getPodSelector()
                                                .getMatchLabels())
                                        && workload.container().getPorts().stream()
                                                .anyMatch(open -> open.getContainerPort()
                                                        .equals(port.getPort().getIntVal())))));
    }

    @ParameterizedTest
    @EnumSource
    void mosaicReachesNamesAndTheDatabaseAndNothingElse(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        List<NetworkPolicyEgressRule> ways = policiesFor(manifests, manifests.workload("mosaic-worker"))
                .flatMap(policy -> policy.getSpec().getEgress().stream())
                .toList();

        assertThat(ways)
                .allSatisfy(way -> assertThat(way.getTo()).isNotEmpty())
                .flatExtracting(NetworkPolicyEgressRule::getPorts)
                .extracting(NetworkPolicyPort::getPort)
                .extracting(port -> port.getIntVal())
                .containsExactlyInAnyOrder(53, 53, 5432);
    }

    private static Stream<NetworkPolicy> policiesFor(Manifests manifests, Workload workload) {
        return manifests
                .of(NetworkPolicy.class)
                .filter(policy ->
                        workload.selectedBy(policy.getSpec().getPodSelector().getMatchLabels()));
    }

    private static Stream<NetworkPolicyPeer> peers(NetworkPolicy policy) {
        return Stream.concat(
                policy.getSpec().getIngress().stream().flatMap(rule -> rule.getFrom().stream()),
                policy.getSpec().getEgress().stream().flatMap(rule -> rule.getTo().stream()));
    }
}
