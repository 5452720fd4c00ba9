package io.mosaic.packaging.kubernetes;

/** What can be given to a cluster: each overlay by itself, and with the components that it offers. */
enum Overlay {
    CPU("k8s/overlays/cpu", false),
    GPU("k8s/overlays/gpu", false),
    CPU_WITH_OPERATORS("k8s/overlays/cpu", true),
    GPU_WITH_OPERATORS("k8s/overlays/gpu", true);

    private final String folder;
    private final boolean operators;

    Overlay(String folder, boolean operators) {
        this.folder = folder;
        this.operators = operators;
    }

    Kustomization build() {
        return operators
                ? Kustomization.build(folder, "k8s/components/monitoring", "k8s/components/keda")
                : Kustomization.build(folder);
    }

    Manifests manifests() {
        return Manifests.of(build());
    }
}
