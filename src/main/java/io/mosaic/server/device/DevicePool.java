package io.mosaic.server.device;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.springframework.stereotype.Component;

/** Lends each device to one job at a time. A lease that is not closed withholds its device for good. */
@Component
public class DevicePool {
    private final BlockingQueue<ComputeDevice> free;
    private final List<ComputeDevice> all;

    DevicePool(DeviceInventory inventory) {
        this.all = inventory.devices();
        this.free = new LinkedBlockingQueue<>(Math.max(1, all.size()));
        free.addAll(all);
    }

    /** A device on loan; close returns it. */
    public final class Lease implements AutoCloseable {
        private final ComputeDevice device;
        private boolean open = true;

        private Lease(ComputeDevice device) {
            this.device = device;
        }

        public ComputeDevice device() {
            return device;
        }

        @Override
        public synchronized void close() {
            if (open) {
                open = false;
                free.add(device);
            }
        }
    }

    /** Waits for a free device. */
    public Lease lease() throws InterruptedException {
        return new Lease(free.take());
    }

    public List<ComputeDevice> all() {
        return all;
    }

    /** Devices that no job holds. */
    public int free() {
        return free.size();
    }
}
