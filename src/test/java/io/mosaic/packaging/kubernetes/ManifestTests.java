package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mosaic.fixture.Project;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The manifests against the types of the Kubernetes API: no field that it does not know, no value that it would refuse. */
class ManifestTests {
    /** Of the fields that take a few words, which the types let pass as any text. */
    private static final Map<String, Set<String>> WORDS = Map.of(
            "accessModes", Set.of("ReadWriteOnce", "ReadWriteMany"),
            "effect", Set.of("NoSchedule"),
            "fsGroupChangePolicy", Set.of("Always", "OnRootMismatch"),
            "operator", Set.of("Equal", "Exists"),
            "policyTypes", Set.of("Ingress", "Egress"),
            "protocol", Set.of("TCP", "UDP"),
            "restartPolicy", Set.of("Always", "OnFailure", "Never"),
            "type", Set.of("RuntimeDefault", "Resource", "Utilization", "prometheus"),
            "whenUnsatisfiable", Set.of("DoNotSchedule", "ScheduleAnyway"));

    @ParameterizedTest
    @EnumSource
    void everyFieldIsOneOfTheApi(Overlay overlay) {
        assertThat(overlay.manifests().objects())
                .hasSameSizeAs(overlay.build().manifests())
                .hasSizeGreaterThan(15);
    }

    @ParameterizedTest
    @EnumSource
    void everyWordIsOneThatItsFieldTakes(Overlay overlay) {
        Map<String, List<Object>> found = new TreeMap<>();
        overlay.build().manifests().forEach(manifest -> collect(manifest, found));

        assertThat(found).containsKeys("accessModes", "restartPolicy", "type");
        WORDS.forEach((field, words) -> assertThat(found.getOrDefault(field, List.of()))
                .as(field)
                .allSatisfy(value -> assertThat(words).contains("" + value)));
    }

    /** The values of fields that take words, wherever they stand. */
    private static void collect(Object node, Map<String, List<Object>> found) {
        switch (node) {
            case Map<?, ?> map ->
                map.forEach((field, value) -> {
                    List<?> values = value instanceof List<?> list ? list : List.of(value);
                    if (WORDS.containsKey("" + field)) {
                        found.computeIfAbsent("" + field, none -> new ArrayList<>())
                                .addAll(values);
                    }
                    values.forEach(inner -> collect(inner, found));
                });
            case List<?> list -> list.forEach(inner -> collect(inner, found));
            default -> {}
        }
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
