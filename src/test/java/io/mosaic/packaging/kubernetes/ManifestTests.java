package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mosaic.fixture.Project;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The manifests against the types of the Kubernetes API: no field that it does not know, no value that it would refuse. */
class ManifestTests {
    @ParameterizedTest
    @EnumSource
    void everyFieldIsOneOfTheApi(Overlay overlay) {
        assertThat(overlay.manifests().objects())
                .hasSameSizeAs(overlay.build().manifests())
                .hasSizeGreaterThan(15);
    }

    @ParameterizedTest
    @EnumSource
    void everyObjectHasANameOfItsOwn(Overlay overlay) {
        assertThat(overlay.build().manifests())
                .extracting(manifest -> manifest.get("kind") + " "
                        + Kustomization.metadata(manifest).get("name"))
                .doesNotHaveDuplicates();
    }

    @Test
    void misspeltFieldsAndValuesOfAnotherTypeAreRefused() {
        Map<String, Object> namespace = Project.yaml("k8s/base/namespace.yaml").getFirst();
        Kustomization.metadata(namespace).put("lables", Map.of());
        assertThatThrownBy(() -> Manifests.read(namespace)).hasMessageContaining("lables");

        assertThatThrownBy(() -> Manifests.read(secret(Map.of("OPEN", true)))).hasMessageContaining("Boolean");
        assertThatThrownBy(() -> Manifests.read(secret(Map.of("PORT", 5432)))).hasMessageContaining("Integer");
        Manifests.read(secret(Map.of("OPEN", "true")));
    }

    @Test
    void operatorsResourcesAreReadAsStrictly() {
        Map<String, Object> monitor =
                Project.yaml("k8s/components/monitoring/service-monitor.yaml").getFirst();
        Project.map(monitor.get("spec")).put("namespaceSelecter", Map.of("any", true));
        assertThatThrownBy(() -> Manifests.read(monitor)).hasMessageContaining("namespaceSelecter");

        Map<String, Object> scaled =
                Project.yaml("k8s/components/keda/scaled-object.yaml").getFirst();
        Project.map(scaled.get("spec")).remove("maxReplicaCount");
        assertThatThrownBy(() -> Manifests.read(scaled)).hasMessageContaining("maxReplicaCount");
    }

    private static Map<String, Object> secret(Map<String, Object> data) {
        return Map.of("apiVersion", "v1", "kind", "Secret", "metadata", Map.of("name", "any"), "stringData", data);
    }
}
