package io.mosaic.server.device;

import ai.djl.Device;

/**
 * One place where a job can run.
 *
 * @param name {@code cpu} or {@code cuda:n}
 * @param capacityBytes memory that one job may take there
 */
public record ComputeDevice(String name, Device device, long capacityBytes) {}
