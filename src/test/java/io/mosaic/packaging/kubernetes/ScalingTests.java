package io.mosaic.packaging.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How many pods there are, who says so, and how many may go at a time. */
class ScalingTests {
    @ParameterizedTest
    @EnumSource
    void everyDeploymentIsScaledByOneThingAtMost(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        List<String> scaled = new ArrayList<>();
        manifests.of(HorizontalPodAutoscaler.class).forEach(autoscaler -> {
            assertThat(autoscaler.getSpec().getScaleTargetRef().getKind()).isEqualTo("Deployment");
            assertThat(autoscaler.getSpec().getScaleTargetRef().getApiVersion()).isEqualTo("apps/v1");
            scaled.add(autoscaler.getSpec().getScaleTargetRef().getName());
        });
        manifests
                .of(ScaledObject.class)
                .forEach(object -> scaled.add(object.spec().scaleTargetRef().name()));

        assertThat(scaled)
                .contains("mosaic-api")
                .doesNotHaveDuplicates()
                .isSubsetOf(manifests
                        .of(Deployment.class)
                        .map(deployment -> deployment.getMetadata().getName())
                        .toList());
        assertThat(manifests.of(Deployment.class))
                .as("a number here would undo what was scaled, at every apply")
                .allSatisfy(deployment ->
                        assertThat(deployment.getSpec().getReplicas()).isNull());
    }

    @ParameterizedTest
    @EnumSource
    void apiHasTwoPodsAndMeasuresWhatTheyRequest(Overlay overlay) {
        HorizontalPodAutoscaler autoscaler = overlay.manifests()
                .of(HorizontalPodAutoscaler.class)
                .findFirst()
                .orElseThrow();

        assertThat(autoscaler.getSpec().getMinReplicas()).isGreaterThanOrEqualTo(2);
        assertThat(autoscaler.getSpec().getMetrics())
                .singleElement()
                .satisfies(metric -> assertThat(overlay.manifests()
                                .workload("mosaic-api")
                                .container()
                                .getResources()
                                .getRequests())
                        .containsKey(metric.getResource().getName()));
    }

    @ParameterizedTest
    @EnumSource
    void everyBudgetIsForADeploymentAndLetsOnePodGo(Overlay overlay) {
        Manifests manifests = overlay.manifests();
        List<PodDisruptionBudget> budgets =
                manifests.of(PodDisruptionBudget.class).toList();

        assertThat(budgets)
                .extracting(budget -> budget.getSpec().getSelector().getMatchLabels())
                .containsExactlyInAnyOrderElementsOf(manifests
                        .of(Deployment.class)
                        .map(deployment -> deployment.getSpec().getSelector().getMatchLabels())
                        .toList());
        assertThat(budgets)
                .allMatch(budget -> Objects.requireNonNullElse(
                                        budget.getSpec().getMinAvailable(),
                                        budget.getSpec().getMaxUnavailable())
                                .getIntVal()
                        == 1);
    }

    @ParameterizedTest
    @EnumSource
    void selectorsOfDeploymentsAreTheLabelsOfTheirPods(Overlay overlay) {
        assertThat(overlay.manifests().of(Deployment.class))
                .isNotEmpty()
                .allSatisfy(deployment -> assertThat(
                                deployment.getSpec().getSelector().getMatchLabels())
                        .isEqualTo(
                                deployment.getSpec().getTemplate().getMetadata().getLabels()));
        assertThat(overlay.manifests().workloads()).extracting(Workload::labels).doesNotHaveDuplicates();
    }
}
