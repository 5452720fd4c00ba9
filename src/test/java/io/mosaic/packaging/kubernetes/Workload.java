package io.mosaic.packaging.kubernetes;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What makes pods.
 *
 * @param claims names of the claims that each pod gets for itself
 * @param serves whether it runs on, and does not end by itself
 */
record Workload(String name, PodTemplateSpec template, List<String> claims, boolean serves) {
    static Optional<Workload> of(Object object) {
        return switch (object) {
            case Deployment deployment ->
                Optional.of(new Workload(
                        deployment.getMetadata().getName(), deployment.getSpec().getTemplate(), List.of(), true));
            case Job job ->
                Optional.of(
                        new Workload(job.getMetadata().getName(), job.getSpec().getTemplate(), List.of(), false));
            case StatefulSet set ->
                Optional.of(new Workload(
                        set.getMetadata().getName(),
                        set.getSpec().getTemplate(),
                        set.getSpec().getVolumeClaimTemplates().stream()
                                .map(PersistentVolumeClaim::getMetadata)
                                .map(metadata -> metadata.getName())
                                .toList(),
                        true));
            default -> Optional.empty();
        };
    }

    /** Labels of its pods. */
    Map<String, String> labels() {
        return template.getMetadata().getLabels();
    }

    boolean selectedBy(Map<String, String> selector) {
        return labels().entrySet().containsAll(selector.entrySet());
    }

    PodSpec pod() {
        return template.getSpec();
    }

    /** Each pod has one. */
    Container container() {
        return pod().getContainers().getFirst();
    }

    /** The value that stands in the manifest itself. */
    Optional<String> variable(String name) {
        return container().getEnv().stream()
                .filter(variable -> variable.getName().equals(name))
                .findFirst()
                .map(variable -> variable.getValue());
    }
}
