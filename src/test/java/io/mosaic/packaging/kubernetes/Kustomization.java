package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Project;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What kustomize makes of a folder: its resources, changed by its components, then by its patches, in its namespace. Knows
 * what the manifests use of kustomize and fails at everything else.
 */
final class Kustomization {
    private static final Map<String, String> VERSIONS = Map.of(
            "Kustomization", "kustomize.config.k8s.io/v1beta1",
            "Component", "kustomize.config.k8s.io/v1alpha1");

    private final List<Map<String, Object>> manifests = new ArrayList<>();
    private final Set<String> files = new TreeSet<>();

    private Kustomization() {}

    /** @param components which the folder might name, too */
    static Kustomization build(String folder, String... components) {
        Kustomization built = new Kustomization();
        built.add(folder, "Kustomization", components);
        return built;
    }

    List<Map<String, Object>> manifests() {
        return manifests;
    }

    /** All that was read. */
    Set<String> files() {
        return files;
    }

    private void add(String folder, String kind, String... moreComponents) {
        String file = folder + "/kustomization.yaml";
        files.add(file);
        Map<String, Object> fields = Project.yaml(file).getFirst();
        assertThat(fields.keySet())
                .as(file)
                .isSubsetOf("apiVersion", "kind", "namespace", "resources", "components", "patches");
        assertThat(fields)
                .as(file)
                .containsEntry("kind", kind)
                .containsEntry("apiVersion", Objects.requireNonNull(VERSIONS.get(kind)));

        for (Object resource : list(fields, "resources")) {
            addResource(within(folder, resource));
        }
        for (Object component : list(fields, "components")) {
            add(within(folder, component), "Component");
        }
        for (String component : moreComponents) {
            add(component, "Component");
        }
        for (Object patch : list(fields, "patches")) {
            apply(folder, Project.map(patch));
        }
        Optional.ofNullable(fields.get("namespace")).ifPresent(this::moveTo);
    }

    private void addResource(String path) {
        if (Files.isDirectory(Path.of(path))) {
            Kustomization other = build(path);
            manifests.addAll(other.manifests);
            files.addAll(other.files);
        } else {
            files.add(path);
            manifests.addAll(Project.yaml(path));
        }
    }

    private void apply(String folder, Map<String, Object> patch) {
        assertThat(patch.keySet()).as(folder).containsExactlyInAnyOrder("path", "target");
        Map<String, Object> target = Project.map(Objects.requireNonNull(patch.get("target")));
        assertThat(target.keySet()).as(folder).containsExactlyInAnyOrder("kind", "name");
        List<Map<String, Object>> targets = manifests.stream()
                .filter(manifest -> target.get("kind").equals(manifest.get("kind"))
                        && target.get("name").equals(metadata(manifest).get("name")))
                .toList();
        assertThat(targets).as(folder + " patches " + target).hasSize(1);

        String file = within(folder, Objects.requireNonNull(patch.get("path")));
        files.add(file);
        for (Map<String, Object> operation : Project.yamlList(file)) {
            JsonPatch.of(operation).applyTo(targets.getFirst());
        }
    }

    private void moveTo(Object namespace) {
        for (Map<String, Object> manifest : manifests) {
            if (!"Namespace".equals(manifest.get("kind"))) {
                metadata(manifest).put("namespace", namespace);
            }
        }
    }

    static Map<String, Object> metadata(Map<String, Object> manifest) {
        return Project.map(Objects.requireNonNull(manifest.get("metadata")));
    }

    private static List<?> list(Map<String, Object> fields, String name) {
        return fields.get(name) instanceof List<?> list ? list : List.of();
    }

    private static String within(String folder, Object path) {
        return Path.of(folder).resolve("" + path).normalize().toString().replace('\\', '/');
    }
}
