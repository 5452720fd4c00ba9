package io.mosaic.server.worker;

import io.mosaic.engine.CancellationToken;
import io.mosaic.server.device.ComputeDevice;
import io.mosaic.server.device.DevicePool;
import io.mosaic.server.device.Fleet;
import io.mosaic.server.job.JobQueue;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/** One thread per device, each claiming and running jobs until the service stops; it can be restarted. */
@Component
public class Workers implements SmartLifecycle, DisposableBean {
    private static final Logger log = LoggerFactory.getLogger(Workers.class);
    private static final long STOP_SECONDS = 25;

    private final JobQueue queue;
    private final Fleet fleet;
    private final DevicePool devices;
    private final ExecuteJob execute;
    private final WorkerProperties properties;
    private final Map<JobQueue.Claim, Heartbeat> running = new ConcurrentHashMap<>();
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private volatile CountDownLatch stopping = new CountDownLatch(1); // a new one for each start
    private volatile Future<?> announcements = CompletableFuture.completedFuture(null);
    private final ScheduledExecutorService clock;

    Workers(JobQueue queue, Fleet fleet, DevicePool devices, ExecuteJob execute, WorkerProperties properties) {
        this.queue = queue;
        this.fleet = fleet;
        this.devices = devices;
        this.execute = execute;
        this.properties = properties;
        this.clock = Executors.newScheduledThreadPool(
                1 + devices.all().size(),
                Thread.ofPlatform().name("heartbeat-", 0).daemon().factory());
    }

    @Override
    public void start() {
        CountDownLatch stop = new CountDownLatch(1);
        stopping = stop;
        threads.clear();
        for (int i = 0; i < devices.all().size(); i++) {
            String name = workerName(i);
            threads.add(Thread.ofPlatform().name(name).start(() -> work(name, stop)));
        }
        announcements =
                clock.scheduleWithFixedDelay(this::announce, 0, Fleet.ANNOUNCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void announce() {
        try {
            for (int i = 0; i < devices.all().size(); i++) {
                fleet.seen(workerName(i), devices.all().get(i));
            }
        } catch (RuntimeException e) {
            log.warn("The database was not told of the devices here: {}", e.getMessage());
        }
    }

    /** Running jobs stop at their next layer and go back into the queue. */
    @Override
    public void stop() {
        stopping.countDown();
        announcements.cancel(false);
        running.values().forEach(heartbeat -> heartbeat.stop(Heartbeat.StopReason.SHUTDOWN));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
        try {
            for (Thread thread : threads) {
                thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
                fleet.gone(thread.getName());
            }
        } catch (DataAccessException e) {
            log.warn("The database was not told that the workers stopped: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void destroy() {
        clock.shutdownNow();
    }

    @Override
    public boolean isRunning() {
        return !threads.isEmpty() && stopping.getCount() > 0;
    }

    /** Number of worker threads alive. */
    public long alive() {
        return threads.stream().filter(Thread::isAlive).count();
    }

    /** Number of worker threads running a job. */
    public int busy() {
        return running.size();
    }

    public int expected() {
        return devices.all().size();
    }

    private void work(String name, CountDownLatch stop) {
        boolean waited = false;
        while (!stopped(stop, waited)) {
            waited = false;
            try (DevicePool.Lease lease = devices.lease()) {
                ComputeDevice device = lease.device();
                Optional<JobQueue.Claim> claim = queue.claim(
                        new JobQueue.Claimant(name, device.name(), device.capacityBytes(), properties.lease()),
                        properties.attempts());
                claim.ifPresent(job -> run(job, device, stop));
                waited = claim.isEmpty();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (RuntimeException e) {
                log.error("Worker {} goes on after a fault", name, e);
                waited = true;
            }
        }
    }

    private void run(JobQueue.Claim claim, ComputeDevice device, CountDownLatch stop) {
        CancellationToken token = new CancellationToken();
        try (Heartbeat heartbeat = new Heartbeat(queue, claim, properties, token, clock)) {
            running.put(claim, heartbeat);
            if (stop.getCount() == 0) {
                heartbeat.stop(Heartbeat.StopReason.SHUTDOWN); // the stop came after the claim
            }
            execute.run(claim, device, heartbeat, token);
        } finally {
            running.remove(claim);
        }
    }

    /** Whether the service is stopping; an idle worker rests here for a moment. */
    private boolean stopped(CountDownLatch stop, boolean rest) {
        try {
            return stop.await(rest ? properties.poll().toMillis() : 0, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private static String workerName(int index) {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            host = "localhost";
        }
        return host + "-" + ManagementFactory.getRuntimeMXBean().getPid() + "-" + index;
    }
}
