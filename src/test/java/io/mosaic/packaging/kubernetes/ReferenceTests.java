package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretKeySelector;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Names that lead from one object to another, and each leads somewhere. */
class ReferenceTests {
    @ParameterizedTest
    @EnumSource
    void everyServiceFindsPodsAndTheirPort(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        assertThat(manifests.of(Service.class)).hasSizeGreaterThanOrEqualTo(3).allSatisfy(service -> {
            List<Workload> found = manifests.workloads().stream()
                    .filter(workload -> workload.selectedBy(service.getSpec().getSelector()))
                    .toList();
            assertThat(found).as(service.getMetadata().getName()).hasSize(1);
            for (ServicePort port : service.getSpec().getPorts()) {
                assertThat(found.getFirst().container().getPorts()).anyMatch(open -> leadsTo(port, open));
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void everyStatefulSetHasItsService(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        assertThat(manifests.of(StatefulSet.class).map(set -> set.getSpec().getServiceName()))
                .isNotEmpty()
                .isSubsetOf(manifests
                        .of(Service.class)
                        .map(service -> service.getMetadata().getName())
                        .toList());
    }

    @ParameterizedTest
    @EnumSource(names = ".*_WITH_OPERATORS", mode = EnumSource.Mode.MATCH_ALL)
    void prometheusFindsTheServicesOfAllThatRunsOn(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        ServiceMonitor monitor = manifests.of(ServiceMonitor.class).findFirst().orElseThrow();

        List<Service> found = manifests
                .of(Service.class)
                .filter(service -> service.getMetadata()
                        .getLabels()
                        .entrySet()
                        .containsAll(monitor.spec().selector().getMatchLabels().entrySet()))
                .toList();
        assertThat(found)
                .extracting(service -> service.getMetadata().getName())
                .containsExactlyInAnyOrder("mosaic", "mosaic-worker");
        for (ServiceMonitor.Endpoint endpoint : monitor.spec().endpoints()) {
            assertThat(endpoint.path()).isEqualTo("/actuator/prometheus");
            assertThat(found)
                    .allSatisfy(service -> assertThat(service.getSpec().getPorts())
                            .extracting(ServicePort::getName)
                            .contains(endpoint.port()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void everySecretAndItsKeyExists(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        Map<String, Set<String>> secrets = manifests
                .of(Secret.class)
                .collect(Collectors.toMap(
                        secret -> secret.getMetadata().getName(),
                        secret -> secret.getStringData().keySet()));
        for (Workload workload : manifests.workloads()) {
            assertThat(workload.container().getEnvFrom())
                    .extracting(EnvFromSource::getSecretRef)
                    .allSatisfy(secret -> assertThat(secrets).containsKey(secret.getName()));
            workload.container().getEnv().stream()
                    .filter(variable -> variable.getValueFrom() != null)
                    .forEach(variable -> {
                        SecretKeySelector key = variable.getValueFrom().getSecretKeyRef();
                        assertThat(secrets).containsKey(key.getName());
                        assertThat(secrets.get(key.getName())).contains(key.getKey());
                    });
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyVolumeIsThereAndUsed(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        List<String> claims = manifests
                .of(PersistentVolumeClaim.class)
                .map(claim -> claim.getMetadata().getName())
                .toList();
        for (Workload workload : manifests.workloads()) {
            List<Volume> volumes = workload.pod().getVolumes();
            assertThat(workload.container().getVolumeMounts())
                    .as(workload.name())
                    .extracting(VolumeMount::getName)
                    .containsExactlyInAnyOrderElementsOf(Stream.concat(
                                    workload.claims().stream(), volumes.stream().map(Volume::getName))
                            .toList());
            volumes.stream()
                    .filter(volume -> volume.getPersistentVolumeClaim() != null)
                    .forEach(volume -> assertThat(claims)
                            .contains(volume.getPersistentVolumeClaim().getClaimName()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyServiceAccountExists(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        assertThat(manifests.workloads())
                .extracting(workload -> workload.pod().getServiceAccountName())
                .isSubsetOf(manifests
                        .of(ServiceAccount.class)
                        .map(account -> account.getMetadata().getName())
                        .toList());
    }

    private static boolean leadsTo(ServicePort port, ContainerPort open) {
        return port.getTargetPort() == null
                ? port.getPort().equals(open.getContainerPort())
                : port.getTargetPort().getValue().equals(open.getName());
    }
}
