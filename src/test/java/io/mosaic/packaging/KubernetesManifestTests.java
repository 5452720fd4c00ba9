package io.mosaic.packaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.mosaic.fixture.Project;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The manifests against the types of the Kubernetes API: no field that it does not know, no name that leads nowhere. */
class KubernetesManifestTests {
    private static final Map<String, Class<? extends HasMetadata>> KINDS = Map.of(
            "v1/Namespace", Namespace.class,
            "v1/Secret", Secret.class,
            "v1/Service", Service.class,
            "apps/v1/StatefulSet", StatefulSet.class,
            "networking.k8s.io/v1/NetworkPolicy", NetworkPolicy.class);

    /** The types swallow fields that they do not know, unless they are told not to. */
    private static final ObjectMapper STRICT = new ObjectMapper()
            .setAnnotationIntrospector(new JacksonAnnotationIntrospector() {
                private static final long serialVersionUID = 1L;

                @Override
                public Boolean hasAnySetter(Annotated member) {
                    return false;
                }
            });

    private final List<HasMetadata> manifests = Project.files("k8s").stream()
            .filter(file -> !file.endsWith("kustomization.yaml"))
            .flatMap(file -> Project.yaml(file).stream())
            .<HasMetadata>map(KubernetesManifestTests::read)
            .toList();

    @Test
    void everyFieldIsOneOfTheApi() {
        assertThat(manifests).extracting(HasMetadata::getKind).contains("Namespace", "StatefulSet", "NetworkPolicy");

        Map<String, Object> misspelt =
                new HashMap<>(Project.yaml("k8s/namespace.yaml").getFirst());
        misspelt.put("metadata", Map.of("name", "mosaic", "lables", Map.of()));
        assertThatThrownBy(() -> read(misspelt)).hasMessageContaining("lables");
    }

    @Test
    void kustomizationNamesEveryManifestAndNothingElse() {
        Map<String, Object> kustomization =
                Project.yaml("k8s/kustomization.yaml").getFirst();

        assertThat(kustomization.keySet()).containsExactlyInAnyOrder("apiVersion", "kind", "namespace", "resources");
        assertThat(((List<?>) Objects.requireNonNull(kustomization.get("resources")))
                        .stream().map(name -> "k8s/" + name).toList())
                .containsExactlyInAnyOrderElementsOf(Project.files("k8s").stream()
                        .filter(file -> !file.endsWith("kustomization.yaml"))
                        .toList());
        assertThat(of(Namespace.class).map(n -> n.getMetadata().getName()))
                .containsExactly("" + kustomization.get("namespace"));
    }

    @Test
    void everySelectorFindsItsPods() {
        Set<Map<String, String>> labels = of(StatefulSet.class)
                .map(set -> set.getSpec().getTemplate().getMetadata().getLabels())
                .collect(Collectors.toSet());

        assertThat(of(Service.class).map(service -> service.getSpec().getSelector()))
                .isNotEmpty()
                .isSubsetOf(labels);
        assertThat(of(NetworkPolicy.class)
                        .map(policy -> policy.getSpec().getPodSelector().getMatchLabels()))
                .isNotEmpty()
                .isSubsetOf(labels);
        of(StatefulSet.class).forEach(set -> {
            assertThat(set.getSpec().getSelector().getMatchLabels())
                    .isEqualTo(set.getSpec().getTemplate().getMetadata().getLabels());
            assertThat(of(Service.class).map(service -> service.getMetadata().getName()))
                    .contains(set.getSpec().getServiceName());
        });
    }

    @Test
    void everySecretKeyAndVolumeExists() {
        Map<String, Set<String>> secrets = of(Secret.class)
                .collect(Collectors.toMap(
                        secret -> secret.getMetadata().getName(),
                        secret -> secret.getStringData().keySet()));
        of(StatefulSet.class).forEach(set -> {
            PodSpec pod = set.getSpec().getTemplate().getSpec();
            Stream<String> claims = set.getSpec().getVolumeClaimTemplates().stream()
                    .map(claim -> claim.getMetadata().getName());
            List<String> volumes = Stream.concat(
                            claims, pod.getVolumes().stream().map(volume -> volume.getName()))
                    .toList();
            for (Container container : pod.getContainers()) {
                assertThat(container.getVolumeMounts())
                        .extracting(VolumeMount::getName)
                        .containsExactlyInAnyOrderElementsOf(volumes);
                container.getEnv().stream()
                        .filter(variable -> variable.getValueFrom() != null)
                        .map(variable -> variable.getValueFrom().getSecretKeyRef())
                        .forEach(ref -> assertThat(secrets.get(ref.getName())).contains(ref.getKey()));
            }
        });
    }

    @Test
    void everyContainerIsPinnedConfinedAndProbed() {
        of(StatefulSet.class).forEach(set -> {
            PodSpec pod = set.getSpec().getTemplate().getSpec();
            assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(pod.getSecurityContext().getRunAsUser()).isPositive();
            for (Container container : pod.getContainers()) {
                Images.assertPinned(container.getImage());
                assertThat(container.getSecurityContext().getAllowPrivilegeEscalation())
                        .isFalse();
                assertThat(container.getSecurityContext().getCapabilities().getDrop())
                        .containsExactly("ALL");
                assertThat(container.getReadinessProbe()).isNotNull();
                assertThat(container.getResources().getLimits()).containsKey("memory");
            }
        });
    }

    @Test
    void serviceRunsAsTheUserOfItsImage() {
        StatefulSet mosaic = of(StatefulSet.class)
                .filter(set -> set.getMetadata().getName().equals("mosaic"))
                .findFirst()
                .orElseThrow();

        assertThat(Project.text("Dockerfile"))
                .contains("--uid "
                        + mosaic.getSpec()
                                .getTemplate()
                                .getSpec()
                                .getSecurityContext()
                                .getRunAsUser());
        assertThat(mosaic.getSpec().getTemplate().getSpec().getContainers())
                .singleElement()
                .satisfies(container -> assertThat(
                                container.getReadinessProbe().getHttpGet().getPath())
                        .isEqualTo("/actuator/health/readiness"));
    }

    private static HasMetadata read(Map<String, Object> document) {
        String kind = document.get("apiVersion") + "/" + document.get("kind");
        return STRICT.convertValue(document, Objects.requireNonNull(KINDS.get(kind), kind));
    }

    private <T extends HasMetadata> Stream<T> of(Class<T> kind) {
        return manifests.stream().filter(kind::isInstance).map(kind::cast);
    }
}
