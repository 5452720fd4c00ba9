package io.mosaic.engine.pipeline;

import io.mosaic.engine.EngineVersion;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.export.StagedWeights;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.TorchEngine;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/** SHA-256 of the inputs of a measurement, and of layers. */
final class Fingerprints {
    private Fingerprints() {}

    /** Hex digest of one layer's tensors as stored. */
    static String layer(StagedWeights weights, int layer) {
        MessageDigest digest = Hashes.sha256();
        weights.forEach(layer, digest::update);
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The key of a ranking: weights, tokenised calibration windows, M, the precision of the arithmetic and the machine. */
    static String rankingKey(String modelSha256, CalibrationSet calibration, Compute compute, double threshold) {
        MessageDigest digest = measured(modelSha256, calibration, compute);
        digest.update(ByteBuffer.allocate(Double.BYTES).putDouble(threshold).array());
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The key of a sensitivity profile: as a ranking's, with the held-out windows in place of M. */
    static String profileKey(String modelSha256, CalibrationSet calibration, Compute compute, CalibrationSet heldOut) {
        MessageDigest digest = measured(modelSha256, calibration, compute);
        update(digest, heldOut);
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The key of a dense model's perplexity: its windows, and all else that a ranking's key holds of the machine. */
    static String perplexityKey(String modelSha256, Compute compute, Perplexity.Protocol protocol, int[] tokens) {
        MessageDigest digest = Hashes.sha256();
        digest.update((modelSha256 + protocol).getBytes(StandardCharsets.US_ASCII));
        update(digest, compute);
        update(digest, tokens);
        return HexFormat.of().formatHex(digest.digest());
    }

    /** What the last bits of a result depend on beside its inputs. */
    private static void update(MessageDigest digest, Compute compute) {
        String platform = TorchEngine.platform(compute.manager().getDevice());
        digest.update((compute.precision() + platform + EngineVersion.NUMBER).getBytes(StandardCharsets.US_ASCII));
    }

    private static void update(MessageDigest digest, int[] tokens) {
        ByteBuffer ids = ByteBuffer.allocate(tokens.length * Integer.BYTES);
        ids.asIntBuffer().put(tokens);
        digest.update(ids);
    }

    private static MessageDigest measured(String modelSha256, CalibrationSet calibration, Compute compute) {
        MessageDigest digest = Hashes.sha256();
        digest.update(modelSha256.getBytes(StandardCharsets.US_ASCII));
        update(digest, compute);
        update(digest, calibration);
        return digest;
    }

    private static void update(MessageDigest digest, CalibrationSet windows) {
        digest.update(ByteBuffer.allocate(2 * Integer.BYTES)
                .putInt(windows.samples())
                .putInt(windows.length())
                .array());
        for (int[] window : windows.windows()) {
            update(digest, window);
        }
    }
}
