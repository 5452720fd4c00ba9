package io.mosaic.engine.evaluation;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import io.mosaic.engine.tensor.TorchEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * Peak memory in use: the device's on CUDA; else the resident memory of the whole process, whose high-water mark a
 * process can reset on Linux. Not available on other systems.
 */
public final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");
    private static final String RESET_PEAK = "5";

    private PeakMemory() {}

    /** A name for what {@link #bytes} measures, for the report. */
    public static String kind(Device device) {
        return device.isGpu() ? "device memory in use" : "process resident peak";
    }

    /** Resets the high-water mark, if possible, after releasing memory used before. */
    public static void reset() {
        TorchEngine.releaseMemory();
        try {
            Files.writeString(CLEAR_REFS, RESET_PEAK);
        } catch (IOException e) {
            // not Linux, or not allowed: the mark then covers the process's whole life, still an upper bound
        }
    }

    /** The peak in bytes; empty if the system does not report it. */
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
