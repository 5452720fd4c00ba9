package io.mosaic.engine.evaluation;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import io.mosaic.engine.tensor.TorchEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * Memory in use: of the device on CUDA; else the resident memory of the whole process, whose high-water mark Linux
 * keeps and lets a process reset. Other systems give none.
 */
public final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");
    private static final String RESET_PEAK = "5";

    private PeakMemory() {}

    /** What {@link #bytes} measures, for the report. */
    public static String kind(Device device) {
        return device.isGpu() ? "device memory in use" : "process resident peak";
    }

    /** Starts a new high-water mark, where there is one to reset, with nothing kept of what was used before. */
    public static void reset() {
        TorchEngine.releaseMemory();
        try {
            Files.writeString(CLEAR_REFS, RESET_PEAK);
        } catch (IOException e) {
            // not Linux, or not allowed: the mark then covers the process's whole life, still an upper bound
        }
    }

    /** Bytes; empty where the system tells none. */
    public static OptionalLong bytes(Device device) {
        if (device.isGpu()) {
            return OptionalLong.of(CudaUtils.getGpuMemory(device).getCommitted());
        }
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}
