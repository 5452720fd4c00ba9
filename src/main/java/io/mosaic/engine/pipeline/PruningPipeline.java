package io.mosaic.engine.pipeline;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchEngine;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;

/**
 * One pruning job on one device: load, rank, allocate, prune, evaluate against the dense model, export, and run the
 * exports before calling it done.
 */
public final class PruningPipeline {
    private final Device device;
    private final MeasurementStores measurements;
    private final long activationBytes;

    /** @param activationBytes of one stream of activations that stay in memory; larger ones go to a scratch file */
    public PruningPipeline(Device device, MeasurementStores measurements, long activationBytes) {
        this.device = device;
        this.measurements = measurements;
        this.activationBytes = activationBytes;
    }

    /**
     * Removes from a target's folder what only another run of the task would need, before the model is published.
     *
     * @throws MosaicException if the disk does not allow it
     */
    public static void forgetAttempt(Path folder) {
        Journal.delete(folder);
    }

    /**
     * Runs the task; the folder of each target then holds a complete model and, until {@link #forgetAttempt},
     * everything another run needs to take over its layers.
     *
     * @return a report per target, in order
     * @throws MosaicException if the model, the text, the disk or the memory does not allow it
     * @throws CancellationException if the token was cancelled
     */
    public List<PruningReport> run(PruningTask task, ProgressListener listener, CancellationToken token) {
        Scratch scratch = Scratch.in(task.targets().getFirst().folder(), activationBytes);
        Stopwatch stages = new Stopwatch(listener, token);
        try (NDManager manager = Tensors.open(device);
                Checkpoint checkpoint = Checkpoint.open(task.model().folder())) {
            return new PruningRun(task, manager, scratch, checkpoint, stages, token).run(measurements);
        } catch (OutOfMemoryError e) {
            throw new MosaicException(
                    ErrorCode.OUT_OF_MEMORY,
                    "The Java heap of " + Runtime.getRuntime().maxMemory() + " bytes is too small for this job: "
                            + e.getMessage(),
                    e);
        } catch (EngineException e) {
            String message = String.valueOf(e.getMessage());
            if (message.toLowerCase(Locale.ROOT).contains("out of memory") || message.contains("alloc")) {
                throw new MosaicException(
                        ErrorCode.OUT_OF_MEMORY,
                        "Device " + PruningRun.name(device) + " ran out of memory: "
                                + message.lines().findFirst().orElse(""),
                        e);
            }
            throw e;
        } finally {
            TorchEngine.releaseMemory();
        }
    }
}
