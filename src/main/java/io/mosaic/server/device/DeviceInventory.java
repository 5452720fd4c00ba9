package io.mosaic.server.device;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;
import com.sun.management.OperatingSystemMXBean;
import io.mosaic.engine.tensor.TorchEngine;
import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** The devices of this process: every GPU that DJL sees, else the CPU; none where it runs no jobs. */
@Component
public class DeviceInventory {
    private static final Logger log = LoggerFactory.getLogger(DeviceInventory.class);

    private final List<ComputeDevice> devices;
    private final long activationBytes;

    DeviceInventory(DeviceProperties properties, Roles roles) {
        activationBytes = properties.activationMemory().toBytes();
        devices = roles.has(Role.WORKER) ? found(properties) : List.of();
        log.info("Devices: {}", devices);
    }

    private static List<ComputeDevice> found(DeviceProperties properties) {
        int processors = Runtime.getRuntime().availableProcessors();
        TorchEngine.limitThreads(
                Math.max(1, processors / Math.max(1, properties.cpuWorkers().orElse(1))));
        int gpus = TorchEngine.get().getGpuCount();
        int cpuWorkers = properties.cpuWorkers().orElse(gpus == 0 ? 1 : 0);
        List<ComputeDevice> found = new ArrayList<>();
        for (int gpu = 0; gpu < gpus; gpu++) {
            Device device = Device.gpu(gpu);
            found.add(new ComputeDevice(
                    "cuda:" + gpu, device, CudaUtils.getGpuMemory(device).getMax()));
        }
        for (int i = 0; i < cpuWorkers; i++) {
            found.add(new ComputeDevice("cpu", Device.cpu(), memory() / cpuWorkers));
        }
        return List.copyOf(found);
    }

    public List<ComputeDevice> devices() {
        return devices;
    }

    /** Bytes of one stream of activations that may stay in memory. */
    public long activationBytes() {
        return activationBytes;
    }

    /** Memory of the machine, or the limit of its container. */
    private static long memory() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }
}
