package io.mosaic.engine.pipeline;

import io.mosaic.engine.Hashes;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.export.StagedWeights;
import io.mosaic.engine.tensor.Precision;
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

    /** The key of a ranking: weights, tokenised calibration windows, M and the precision of the arithmetic. */
    static String rankingKey(String modelSha256, CalibrationSet calibration, Precision precision, double threshold) {
        MessageDigest digest = measured(modelSha256, calibration, precision);
        digest.update(ByteBuffer.allocate(Double.BYTES).putDouble(threshold).array());
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The key of a sensitivity profile: as a ranking's, with the held-out windows in place of M. */
    static String profileKey(
            String modelSha256, CalibrationSet calibration, Precision precision, CalibrationSet heldOut) {
        MessageDigest digest = measured(modelSha256, calibration, precision);
        update(digest, heldOut);
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest measured(String modelSha256, CalibrationSet calibration, Precision precision) {
        MessageDigest digest = Hashes.sha256();
        digest.update(modelSha256.getBytes(StandardCharsets.US_ASCII));
        digest.update(precision.toString().getBytes(StandardCharsets.US_ASCII));
        update(digest, calibration);
        return digest;
    }

    private static void update(MessageDigest digest, CalibrationSet windows) {
        digest.update(ByteBuffer.allocate(2 * Integer.BYTES)
                .putInt(windows.samples())
                .putInt(windows.length())
                .array());
        for (int[] window : windows.windows()) {
            ByteBuffer ids = ByteBuffer.allocate(window.length * Integer.BYTES);
            ids.asIntBuffer().put(window);
            digest.update(ids);
        }
    }
}
