package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.mosaic.fixture.Project;
import io.mosaic.packaging.Images;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The pods of Mosaic itself: each with one role, and what that role needs. */
class ServicePodTests {
    private static final List<String> OURS = List.of("mosaic-api", "mosaic-worker", "mosaic-migrate");

    @ParameterizedTest
    @EnumSource
    void everyRoleHasItsPods(Overlay overlay) {
        Map<String, String> roles = new TreeMap<>();
        for (String name : OURS) {
            Workload workload = overlay.manifests().workload(name);
            roles.put(name, workload.variable("MOSAIC_ROLES").orElse("all"));
            assertThat(workload.labels()).containsEntry("role", roles.get(name));
        }

        assertThat(roles)
                .isEqualTo(Map.of("mosaic-api", "api", "mosaic-worker", "worker", "mosaic-migrate", "migrate"));
    }

    @ParameterizedTest
    @EnumSource
    void onlyTheJobMigrates(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        assertThat(manifests.workload("mosaic-migrate").variable("SPRING_FLYWAY_ENABLED"))
                .isEmpty();
        assertThat(manifests.workload("mosaic-api").variable("SPRING_FLYWAY_ENABLED"))
                .hasValue("false");
        assertThat(manifests.workload("mosaic-worker").variable("SPRING_FLYWAY_ENABLED"))
                .hasValue("false");
    }

    @ParameterizedTest
    @EnumSource
    void everyPodKnowsTheDatabaseAndThoseThatListenAKey(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        Set<String> database =
                Set.of("SPRING_DATASOURCE_URL", "SPRING_DATASOURCE_USERNAME", "SPRING_DATASOURCE_PASSWORD");
        Set<String> all = new TreeSet<>(database);
        all.add("MOSAIC_SECURITY_BOOTSTRAP_KEY");

        assertThat(fromSecrets(manifests, "mosaic-api")).isEqualTo(all);
        assertThat(fromSecrets(manifests, "mosaic-worker")).isEqualTo(all);
        assertThat(fromSecrets(manifests, "mosaic-migrate")).isEqualTo(database);
        assertThat(manifests.workload("mosaic-migrate").variable("SERVER_ADDRESS"))
                .hasValue("127.0.0.1");
    }

    @ParameterizedTest
    @EnumSource
    void secretsForTryingOutAreOnesThatTheServiceTakes(Overlay overlay) {
        Map<String, String> values = new TreeMap<>();
        overlay.manifests().of(Secret.class).forEach(secret -> values.putAll(secret.getStringData()));

        assertThat(values.get("MOSAIC_SECURITY_BOOTSTRAP_KEY")).hasSizeGreaterThanOrEqualTo(32);
        assertThat(values.get("SPRING_DATASOURCE_URL")).isEqualTo("jdbc:postgresql://database:5432/mosaic");
    }

    @ParameterizedTest
    @EnumSource
    void podsRunAsTheUserOfTheirImageOnTheSharedModels(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        for (String name : OURS) {
            assertThat(Project.text("Dockerfile"))
                    .contains("--uid "
                            + manifests
                                    .workload(name)
                                    .pod()
                                    .getSecurityContext()
                                    .getRunAsUser() + " ");
        }
        for (String name : List.of("mosaic-api", "mosaic-worker")) {
            assertThat(manifests.workload(name).container().getVolumeMounts())
                    .filteredOn(mount -> mount.getName().equals("models"))
                    .extracting(VolumeMount::getMountPath)
                    .containsExactly("/data");
        }
        assertThat(Project.text("Dockerfile")).contains("MOSAIC_HOME=/data ");
    }

    @Test
    void workersOnTheCpuAskForCores() {
        Workload worker = Overlay.CPU.manifests().workload("mosaic-worker");

        assertThat(worker.container().getImage()).isEqualTo(Images.ours("mosaic"));
        assertThat(worker.container().getResources().getLimits()).containsOnlyKeys("memory");
        assertThat(worker.container().getResources().getRequests().get("cpu")).isGreaterThan(new Quantity("1"));
    }

    @Test
    void workersOnAGpuAskForOneAndHaveRoomForItsLibraries() {
        Manifests manifests = Overlay.GPU.manifests();
        Workload worker = manifests.workload("mosaic-worker");

        assertThat(worker.container().getImage()).isEqualTo(Images.ours("mosaic-gpu"));
        assertThat(worker.container().getResources().getLimits()).containsEntry("nvidia.com/gpu", new Quantity("1"));
        assertThat(worker.pod().getTolerations())
                .anyMatch(toleration -> toleration.getKey().equals("nvidia.com/gpu"));
        assertThat(Project.text("Dockerfile")).contains("ENGINE_CACHE_DIR=/natives ");
        assertThat(worker.container().getVolumeMounts())
                .extracting(VolumeMount::getMountPath)
                .contains("/natives");
        assertThat(manifests.workload("mosaic-api").container().getImage()).isEqualTo(Images.ours("mosaic"));
    }

    private static Set<String> fromSecrets(Manifests manifests, String workload) {
        Set<String> variables = new TreeSet<>();
        manifests
                .workload(workload)
                .container()
                .getEnvFrom()
                .forEach(from -> manifests
                        .of(Secret.class)
                        .filter(secret -> secret.getMetadata()
                                .getName()
                                .equals(from.getSecretRef().getName()))
                        .forEach(secret ->
                                variables.addAll(secret.getStringData().keySet())));
        return variables;
    }
}
