package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.mosaic.fixture.Project;
import io.mosaic.packaging.Images;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every pod: confined as the namespace demands, limited, watched, and given the time it needs to stop. */
class PodTests {
    @ParameterizedTest
    @EnumSource
    void everyPodIsConfined(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        assertThat(manifests.of(Namespace.class))
                .allSatisfy(namespace -> assertThat(namespace.getMetadata().getLabels())
                        .containsEntry("pod-security.kubernetes.io/enforce", "restricted"));
        assertThat(manifests.workloads()).hasSize(4).allSatisfy(workload -> {
            PodSpec pod = workload.pod();
            assertThat(pod.getAutomountServiceAccountToken()).isFalse();
            assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(pod.getSecurityContext().getRunAsUser()).isPositive();
            assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(pod.getContainers()).hasSize(1);
            assertThat(pod.getInitContainers()).isEmpty();
            SecurityContext container = workload.container().getSecurityContext();
            assertThat(container.getAllowPrivilegeEscalation()).isFalse();
            assertThat(container.getReadOnlyRootFilesystem()).isTrue();
            assertThat(container.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(container.getCapabilities().getAdd()).isEmpty();
        });
    }

    @ParameterizedTest
    @EnumSource
    void everyPodSaysWhatItTakes(Overlay overlay) {
        assertThat(overlay.manifests().workloads()).allSatisfy(workload -> {
            Container container = workload.container();
            Images.assertPinned(container.getImage());
            assertThat(container.getResources().getRequests()).containsKeys("cpu", "memory");
            assertThat(container.getResources().getLimits()).containsKey("memory");
            assertThat(container.getResources().getRequests().get("memory"))
                    .isLessThanOrEqualTo(container.getResources().getLimits().get("memory"));
            assertThat(mounts(workload)).contains("/tmp");
        });
    }

    @ParameterizedTest
    @EnumSource
    void everyPodThatServesIsProbedWhereItListens(Overlay overlay) {
        assertThat(overlay.manifests().workloads())
                .filteredOn(Workload::serves)
                .hasSize(3)
                .allSatisfy(workload -> {
                    Container container = workload.container();
                    List<String> ports = container.getPorts().stream()
                            .map(ContainerPort::getName)
                            .toList();
                    assertThat(Stream.of(
                                    container.getStartupProbe(),
                                    container.getLivenessProbe(),
                                    container.getReadinessProbe()))
                            .as(workload.name())
                            .allSatisfy(probe -> {
                                assertThat(probe).isNotNull();
                                http(probe)
                                        .ifPresent(get -> assertThat(ports)
                                                .contains("" + get.getPort().getValue()));
                            });
                    http(container.getReadinessProbe())
                            .ifPresent(get -> assertThat(get.getPath()).isEqualTo("/actuator/health/readiness"));
                    http(container.getLivenessProbe())
                            .ifPresent(get -> assertThat(get.getPath()).isEqualTo("/actuator/health/liveness"));
                });
    }

    @ParameterizedTest
    @EnumSource
    void graceIsLongerThanTheServiceTakesToStop(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        int phase = seconds("timeout-per-shutdown-phase: (\\d+)s", "src/main/resources/application.yml");

        // requests, after the pause before the stop
        assertThat(manifests.workload("mosaic-api").pod().getTerminationGracePeriodSeconds())
                .isGreaterThanOrEqualTo(phase
                        + Integer.parseInt(manifests
                                .workload("mosaic-api")
                                .container()
                                .getLifecycle()
                                .getPreStop()
                                .getExec()
                                .getCommand()
                                .getLast()));
        // jobs, then requests
        assertThat(manifests.workload("mosaic-worker").pod().getTerminationGracePeriodSeconds())
                .isGreaterThanOrEqualTo(2L * phase);
    }

    private static List<String> mounts(Workload workload) {
        return workload.container().getVolumeMounts().stream()
                .map(VolumeMount::getMountPath)
                .toList();
    }

    private static Optional<HTTPGetAction> http(Probe probe) {
        return Optional.ofNullable(probe.getHttpGet());
    }

    private static int seconds(String pattern, String file) {
        return Pattern.compile(pattern)
                .matcher(Project.text(file))
                .results()
                .map(match -> Integer.parseInt(match.group(1)))
                .findFirst()
                .orElseThrow();
    }
}
