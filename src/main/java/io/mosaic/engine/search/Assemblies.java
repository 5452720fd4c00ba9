package io.mosaic.engine.search;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.tensor.Compute;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** The pruned levels of one structure of a model at a time, made when asked for. Close frees them. */
public final class Assemblies implements AutoCloseable {
    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CalibrationSet calibration;
    private final HeldOut heldOut;
    private final CancellationToken token;
    private @Nullable StructuredPlan structure;
    private @Nullable Assembly held;
    private Optional<SensitivityProfile> whole;
    private boolean measured;

    /** @param stored sensitivities of the model with nothing removed physically, from an earlier run */
    public Assemblies(
            Compute compute,
            Checkpoint checkpoint,
            CalibrationSet calibration,
            HeldOut heldOut,
            Optional<SensitivityProfile> stored,
            CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.calibration = calibration;
        this.heldOut = heldOut;
        this.token = token;
        whole = stored;
    }

    /** Whether there is room on disk for the levels of the model. */
    boolean fit() {
        return compute.scratch()
                .fits(SensitivityProfiler.bytes(checkpoint.architecture().shapes()));
    }

    /** The levels of a structure. */
    Assembly of(PruningRecipe recipe, StructuredPlan wanted, IntConsumer layerDone) {
        Assembly found = held;
        if (found == null || !wanted.equals(structure)) {
            close();
            found = new SensitivityProfiler(compute, checkpoint, token)
                    .profile(recipe, wanted, calibration, heldOut, layerDone);
            held = found;
            structure = wanted;
            if (wanted.equals(StructuredPlan.none(wanted.before()))) {
                measured |= whole.isEmpty();
                whole = Optional.of(found.profile());
            }
        }
        return found;
    }

    /** The sensitivities of the model with nothing removed physically. */
    SensitivityProfile whole(PruningRecipe recipe, IntConsumer layerDone) {
        return whole.orElseGet(
                () -> of(recipe, StructuredPlan.none(checkpoint.architecture().shapes()), layerDone)
                        .profile());
    }

    /** Sensitivities of the model with nothing removed physically that were not stored before. */
    public Optional<SensitivityProfile> measured() {
        return measured ? whole : Optional.empty();
    }

    @Override
    public void close() {
        Assembly assembly = held;
        if (assembly != null) {
            assembly.close();
            held = null;
        }
    }
}
