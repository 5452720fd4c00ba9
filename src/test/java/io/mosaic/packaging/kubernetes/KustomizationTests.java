package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Secret;
import io.mosaic.fixture.Project;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the manifests are put together. */
class KustomizationTests {
    @Test
    void everyFileIsPartOfAnOverlay() {
        Set<String> used = new TreeSet<>(Kustomization.build("k8s").files());
        for (Overlay overlay : Overlay.values()) {
            used.addAll(overlay.build().files());
        }

        assertThat(used).isEqualTo(Project.tree("k8s"));
    }

    @Test
    void folderItselfIsTheOverlayForTheCpu() {
        assertThat(Kustomization.build("k8s").manifests())
                .isEqualTo(Overlay.CPU.build().manifests());
    }

    @ParameterizedTest
    @EnumSource(names = {"CPU", "GPU"})
    void overlaysNeedNoOperator(Overlay overlay) {
        assertThat(overlay.build().manifests())
                .extracting(manifest -> "" + manifest.get("apiVersion"))
                .allMatch(
                        version -> version.matches("v1|(apps|autoscaling|batch|policy)/v\\d|networking\\.k8s\\.io/v1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "gpu"})
    void overlaysOfferTheComponentsThatNeedAnOperator(String overlay) {
        assertThat(Project.text("k8s/overlays/" + overlay + "/kustomization.yaml"))
                .contains("# - ../../components/monitoring\n", "# - ../../components/keda\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"k8s/base", "k8s/overlays/cpu", "k8s/overlays/gpu"})
    void everythingLiesInTheNamespaceThatIsMade(String folder) {
        Kustomization kustomization = Kustomization.build(folder, "k8s/components/monitoring", "k8s/components/keda");
        List<String> made = Manifests.of(kustomization)
                .of(Namespace.class)
                .map(namespace -> namespace.getMetadata().getName())
                .toList();

        assertThat(made).hasSize(1);
        assertThat(kustomization.manifests())
                .filteredOn(manifest -> !"Namespace".equals(manifest.get("kind")))
                .allSatisfy(manifest ->
                        assertThat(Kustomization.metadata(manifest)).containsEntry("namespace", made.getFirst()));
    }

    @Test
    void secretsThatEverybodyKnowsAreForTryingOutOnly() {
        assertThat(Manifests.of(Kustomization.build("k8s/base")).of(Secret.class))
                .isEmpty();
        assertThat(Project.text("k8s/components/trial/secrets.yaml")).startsWith("# CHANGE ME");
    }

    @Test
    void patchesThatLeadNowhereAreRefused() {
        Map<String, Object> document = new HashMap<>(Map.of("spec", new HashMap<>()));
        assertThatThrownBy(() -> patch("add", "/spec/template/image").applyTo(document))
                .hasMessageContaining("template");
        assertThatThrownBy(() -> patch("replace", "/spec/image").applyTo(document))
                .hasMessageContaining("image");
        assertThatThrownBy(() -> patch("addd", "/spec/image").applyTo(document)).hasMessageContaining("addd");

        patch("add", "/spec/nvidia.com~1gpu").applyTo(document);
        assertThat(document).isEqualTo(Map.of("spec", Map.of("nvidia.com/gpu", 1)));
    }

    private static JsonPatch patch(String op, String path) {
        return JsonPatch.of(Map.of("op", op, "path", path, "value", 1));
    }
}
