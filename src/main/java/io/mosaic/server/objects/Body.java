package io.mosaic.server.objects;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/** The bytes of an answer, neither more nor fewer than asked for. Closed early, it hangs up instead of reading the rest. */
final class Body extends InputStream {
    private final ResponseInputStream<GetObjectResponse> answer;
    private long left;

    Body(ResponseInputStream<GetObjectResponse> answer, long length) {
        this.answer = answer;
        this.left = length;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (left == 0) {
            return -1;
        }
        int read;
        try {
            read = answer.read(bytes, offset, (int) Math.min(length, left));
        } catch (SdkException e) { // interrupted
            throw new IOException(e.getMessage(), e);
        }
        if (read < 0) {
            throw new EOFException("the store ends its answer " + left + " bytes early");
        }
        left -= read;
        return read;
    }

    @Override
    public void close() throws IOException {
        if (left > 0) {
            answer.abort();
        } else {
            answer.close();
        }
    }
}
