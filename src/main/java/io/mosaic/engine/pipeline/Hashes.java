package io.mosaic.engine.pipeline;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.export.StagedWeights;
import io.mosaic.engine.tensor.Precision;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** SHA-256 of files and of what a ranking depends on. */
public final class Hashes {
    private static final int BUFFER = 1 << 20;

    private Hashes() {}

    /** Hex digest of the files' contents, one after the other. */
    public static String files(List<Path> files) {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[BUFFER];
        for (Path file : files) {
            try (InputStream in = Files.newInputStream(file)) {
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    digest.update(buffer, 0, read);
                }
            } catch (IOException e) {
                throw new MosaicException(
                        ErrorCode.IO_ERROR, file.getFileName() + " cannot be read: " + e.getMessage(), e);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Hex digest of one layer's projections as stored. */
    static String layer(StagedWeights weights, int layer) {
        MessageDigest digest = sha256();
        weights.forEach(layer, digest::update);
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Hex digest of a text. */
    public static String text(String text) {
        return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** The key of a ranking: weights, tokenised calibration windows, M and the arithmetic that it was made in. */
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
        MessageDigest digest = sha256();
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

    /** A digest of nothing yet. */
    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
