package io.mosaic.engine.tensor;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.mosaic.engine.architecture.Activation;
import io.mosaic.engine.architecture.AttentionRule;
import io.mosaic.engine.architecture.Logits;
import io.mosaic.engine.architecture.Rotary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * PyTorch operations that DJL's Java API lacks, as methods of one TorchScript module per device.
 *
 * <p>Results belong to the manager passed in. They are inference tensors: in-place operations and autograd refuse them,
 * so accumulate into tensors made by a manager.
 */
public final class TorchOps {
    private static final String METHODS = """
              def to_bf16(self: __torch__.M, x: Tensor) -> Tensor:
                return torch.to(x, 15)
              def linear_bf16(self: __torch__.M, x: Tensor, w: Tensor) -> Tensor:
                return torch.to(torch.linear(torch.to(x, 15), w), 6)
              def rms_norm(self: __torch__.M, x: Tensor, w: Tensor, eps: float) -> Tensor:
                size = torch.size(x, -1)
                squares = torch.div(torch.pow(torch.norm(x, 2, [-1], True), 2), size)
                return torch.mul_(torch.mul(x, torch.rsqrt(torch.add(squares, eps))), w)
              def rotate(self: __torch__.M, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
                half = torch.floordiv(torch.size(x, -1), 2)
                a = torch.slice(x, -1, 0, half, 1)
                b = torch.slice(x, -1, half, torch.size(x, -1), 1)
                y = torch.mul(x, cos)
                torch.addcmul_(torch.slice(y, -1, 0, half, 1), b, torch.slice(sin, -1, 0, half, 1), value=-1)
                torch.addcmul_(torch.slice(y, -1, half, torch.size(x, -1), 1), a, torch.slice(sin, -1, half, torch.size(x, -1), 1))
                return y
              def rotate_neighbours(self: __torch__.M, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
                a = torch.slice(x, -1, 0, 9223372036854775807, 2)
                b = torch.slice(x, -1, 1, 9223372036854775807, 2)
                turned = torch.flatten(torch.stack([torch.neg(b), a], -1), -2)
                return torch.add(torch.mul(x, cos), torch.mul(turned, sin))
              def joined(self: __torch__.M, a: Tensor, b: Tensor) -> Tensor:
                return torch.cat([a, b], -1)
              def channels(self: __torch__.M, x: Tensor, begin: int, end: int) -> Tensor:
                return torch.contiguous(torch.slice(x, -1, begin, end, 1))
              def visible(self: __torch__.M, q: Tensor, k: Tensor, window: int) -> Tensor:
                new = torch.size(q, 2)
                seen = torch.size(k, 2)
                before = torch.sub(seen, new)
                all = torch.ones([new, seen], dtype=11, layout=None, device=ops.prim.device(q))
                return torch.triu(torch.tril(all, before), torch.add(torch.sub(before, window), 1))
              def attend_masked(self: __torch__.M, q: Tensor, k: Tensor, v: Tensor, window: int, scale: float) -> Tensor:
                return torch.scaled_dot_product_attention(q, k, v, (self).visible(q, k, window), 0., False, scale=scale)
              def attend_capped(self: __torch__.M, q: Tensor, k: Tensor, v: Tensor, window: int, scale: float, cap: float) -> Tensor:
                scores = torch.mul_(torch.matmul(q, torch.transpose(k, -2, -1)), scale)
                capped = torch.mul_(torch.tanh_(torch.div_(scores, cap)), cap)
                hidden = torch.logical_not((self).visible(q, k, window))
                return torch.matmul(torch.softmax(torch.masked_fill_(capped, hidden, -inf), -1), v)
              def attend_scaled(self: __torch__.M, q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> Tensor:
                return torch.scaled_dot_product_attention(q, k, v, None, 0., causal, scale=scale)
              def attend(self: __torch__.M, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
                return torch.scaled_dot_product_attention(q, k, v, None, 0., causal)
              def swiglu(self: __torch__.M, gate: Tensor, up: Tensor, step: int) -> Tensor:
                width = torch.size(gate, -1)
                g = torch.reshape(gate, [-1, width])
                u = torch.reshape(up, [-1, width])
                n = torch.size(g, 0)
                y = torch.empty(torch.size(gate), dtype=6, layout=None, device=ops.prim.device(gate))
                rows = torch.reshape(y, [-1, width])
                start = 0
                going = torch.lt(start, n)
                while going:
                  end = ops.prim.min(torch.add(start, step), n)
                  a = torch.to(torch.slice(g, 0, start, end, 1), 6)
                  t = torch.reciprocal_(torch.add_(torch.exp_(torch.neg(a)), 1))
                  b = torch.to(torch.slice(u, 0, start, end, 1), 6)
                  c = torch.mul(torch.mul_(t, a), b, out=torch.slice(rows, 0, start, end, 1))
                  start = end
                  going = torch.lt(start, n)
                return y
              def gated_bf16(self: __torch__.M, x: Tensor, gate: Tensor, up: Tensor, step: int) -> Tensor:
                rounded = torch.to(x, 15)
                return (self).swiglu(torch.linear(rounded, gate), torch.linear(rounded, up), step)
              def geglu(self: __torch__.M, gate: Tensor, up: Tensor) -> Tensor:
                return torch.mul_(torch.gelu(gate, approximate="tanh"), up)
              def scaled_logits(self: __torch__.M, x: Tensor, divisor: float) -> Tensor:
                return torch.div(x, divisor)
              def capped(self: __torch__.M, x: Tensor, cap: float) -> Tensor:
                return torch.mul_(torch.tanh_(torch.div(x, cap)), cap)
              def rows(self: __torch__.M, x: Tensor, index: Tensor) -> Tensor:
                return torch.index_select(x, 0, index)
              def column_sums(self: __torch__.M, x: Tensor) -> Tensor:
                return torch.sum(x, [0])
              def column_squares(self: __torch__.M, x: Tensor) -> Tensor:
                return torch.pow(torch.norm(x, 2, [0]), 2)
              def transposed(self: __torch__.M, x: Tensor) -> Tensor:
                return torch.contiguous(torch.transpose(x, 0, 1))
              def divergence(self: __torch__.M, p: Tensor, q: Tensor) -> Tensor:
                return torch.sum(torch.mul(torch.exp(p), torch.sub(p, q)))
              def add_to(self: __torch__.M, target: Tensor, x: Tensor) -> Tensor:
                return torch.add_(target, x)
              def subtract_product(self: __torch__.M, target: Tensor, a: Tensor, b: Tensor) -> Tensor:
                return torch.addmm_(target, a, b, beta=1, alpha=-1)
              def row_squares(self: __torch__.M, x: Tensor) -> Tensor:
                return torch.pow(torch.norm(x, 2, [1]), 2)
              def symmetric(self: __torch__.M, strips: List[Tensor], scale: float) -> Tensor:
                n = torch.size(strips[0], 0)
                y = torch.empty([n, n], dtype=6, layout=None, device=ops.prim.device(strips[0]))
                start = 0
                for i in range(torch.len(strips)):
                  strip = strips[i]
                  width = torch.size(strip, 1)
                  end = torch.add(start, width)
                  rows = torch.slice(y, 0, start, end, 1)
                  square = torch.tril(torch.slice(strip, 0, 0, width, 1))
                  full = torch.add(square, torch.transpose(torch.tril(square, -1), 0, 1))
                  torch.copy_(torch.slice(rows, 1, start, end, 1), torch.mul(full, scale))
                  rest = torch.mul(torch.slice(strip, 0, width, torch.size(strip, 0), 1), scale)
                  torch.copy_(torch.slice(torch.slice(y, 0, end, n, 1), 1, start, end, 1), rest)
                  torch.copy_(torch.slice(rows, 1, end, n, 1), torch.transpose(rest, 0, 1))
                  start = end
                return y
              def shifted(self: __torch__.M, x: Tensor, v: Tensor) -> Tensor:
                y = torch.clone(x)
                torch.add_(torch.diagonal(y), v)
                return y
              def scaled_by(self: __torch__.M, x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
                return torch.mul_(torch.mul(x, torch.unsqueeze(rows, 1)), columns)
              def refit(self: __torch__.M, pruned: Tensor, dense: Tensor, h: Tensor, d: Tensor, iterations: int) -> List[Tensor]:
                support = torch.to(torch.ne(pruned, 0), 6)
                error = torch.sub(dense, pruned)
                gradient = (self).linear(error, h)
                before = torch.sum(torch.mul(gradient, error))
                after = before
                w = torch.clone(pruned)
                residual = torch.mul_(gradient, support)
                z = torch.div(residual, d)
                direction = torch.clone(z)
                rz = torch.sum(torch.mul(residual, z), [1], True)
                for i in range(iterations):
                  image = torch.mul_((self).linear(direction, h), support)
                  curvature = torch.add(torch.sum(torch.mul(direction, image), [1], True), 1e-30)
                  step = torch.div(rz, curvature)
                  after = torch.sub(after, torch.sum(torch.mul(step, rz)))
                  torch.addcmul_(w, direction, step)
                  torch.addcmul_(residual, image, step, value=-1)
                  z = torch.div(residual, d)
                  new = torch.sum(torch.mul(residual, z), [1], True)
                  direction = torch.addcmul(z, direction, torch.div(new, torch.add(rz, 1e-30)))
                  rz = new
                return [w, torch.stack([before, after])]
              def admm_step(self: __torch__.M, target: Tensor, v: Tensor, mask: Tensor, inverse: Tensor) -> Tensor:
                x = torch.addcmul(torch.add(target, v), v, mask, value=-2)
                return torch.addcmul((self).linear(x, inverse), v, mask)
              def smaller(self: __torch__.M, x: Tensor, threshold: float) -> Tensor:
                return torch.to(torch.le(torch.abs(x), threshold), 6)
              def smallest_of_groups(self: __torch__.M, x: Tensor, n: int, m: int) -> Tensor:
                groups = torch.abs(torch.reshape(x, [torch.size(x, 0), -1, m]))
                limits = (torch.kthvalue(groups, n, -1, True))[0]
                return torch.reshape(torch.to(torch.le(groups, limits), 6), torch.size(x))
              def sampled(self: __torch__.M, x: Tensor, step: int) -> Tensor:
                return torch.contiguous(torch.abs(torch.slice(torch.reshape(x, [-1]), 0, 0, 9223372036854775807, step)))
              def cholesky(self: __torch__.M, x: Tensor) -> Tensor:
                return torch.linalg_cholesky(x)
              def invert_lower(self: __torch__.M, x: Tensor) -> Tensor:
                eye = torch.diag_embed(torch.ones_like(torch.diagonal(x)))
                return torch.linalg_solve_triangular(x, eye, upper=False)
            """;

    private static final String LINEAR = """
              def linear(self: __torch__.M, x: Tensor, w: Tensor) -> Tensor:
                return torch.linear(x, w)
            """;

    /**
     * oneDNN's product, twice as fast as the usual one on AMD processors with AVX-512. For few rows its set-up
     * dominates, and for matrices with gaps between rows it has no fast kernel.
     */
    private static final String LINEAR_ONEDNN = """
              def dense(self: __torch__.M, x: Tensor) -> Tensor:
                if torch.is_contiguous(torch.transpose(x, 0, -1)):
                  y = x
                else:
                  y = torch.contiguous(x)
                return y
              def linear(self: __torch__.M, x: Tensor, w: Tensor) -> Tensor:
                few = torch.lt(torch.numel(x), torch.mul(16, torch.size(x, -1)))
                if few:
                  y = torch.linear(x, w)
                else:
                  y = ops.mkldnn._linear_pointwise((self).dense(x), (self).dense(w), None, "none", annotate(List[Optional[number]], []), "")
                return y
            """;

    private static final long CACHED_ROWS = 256;

    private static final Map<Device, TorchOps> INSTANCES = new ConcurrentHashMap<>();

    private final PtSymbolBlock module;

    private TorchOps(PtSymbolBlock module) {
        this.module = module;
    }

    /** The operations on the manager's device; loaded once per device and kept for the life of the process. */
    public static TorchOps on(NDManager manager) {
        return INSTANCES.computeIfAbsent(manager.getDevice(), TorchOps::load);
    }

    private static TorchOps load(Device device) {
        PtNDManager keeper = (PtNDManager) TorchEngine.get().newBaseManager(device);
        boolean oneDnn = !device.isGpu() && CpuFeatures.avx512();
        byte[] archive = TorchScriptArchive.of(METHODS + (oneDnn ? LINEAR_ONEDNN : LINEAR));
        try {
            return new TorchOps(JniUtils.loadModule(keeper, new ByteArrayInputStream(archive), false, false));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** x·Wᵀ for x (…, in) and W (out, in). */
    public NDArray linear(NDManager manager, NDArray x, NDArray weight) {
        return call(manager, "linear", x, weight);
    }

    /** A·B of two matrices. */
    public NDArray product(NDManager manager, NDArray a, NDArray b) {
        try (NDArray transposed = b.transpose()) { // a view
            return linear(manager, a, transposed);
        }
    }

    /** x rounded to bfloat16; for {@link #linearBFloat16} only. */
    NDArray toBFloat16(NDManager manager, NDArray x) {
        return call(manager, "to_bf16", x);
    }

    /** x·Wᵀ for x in float32 and W in bfloat16, as float32. */
    NDArray linearBFloat16(NDManager manager, NDArray x, NDArray weight) {
        return call(manager, "linear_bf16", x, weight);
    }

    /** Whether a device has instructions for products of bfloat16; they need not be faster than those of float32. */
    static boolean multipliesBFloat16(Device device) {
        return device.isGpu() || CpuFeatures.bfloat16();
    }

    /** x / rms(x) · weight over the last axis. */
    public NDArray rmsNorm(NDManager manager, NDArray x, NDArray weight, double epsilon) {
        try (IValue a = value(x);
                IValue b = value(weight);
                IValue c = IValue.from(epsilon)) {
            return run(manager, "rms_norm", a, b, c);
        }
    }

    /**
     * Rotary embedding of x (batch, heads, tokens, headDim) by cos and sin (tokens, width): the first {@code width}
     * channels of each head are rotated, the others unchanged.
     */
    public NDArray rotate(NDManager manager, NDArray x, NDArray cos, NDArray sin, Rotary.Pairs pairs) {
        long width = cos.getShape().get(1);
        long all = x.getShape().get(3);
        if (width < all) {
            try (NDArray first = channels(manager, x, 0, width);
                    NDArray rest = channels(manager, x, width, all);
                    NDArray rotated = rotate(manager, first, cos, sin, pairs)) {
                return call(manager, "joined", rotated, rest);
            }
        }
        return switch (pairs) {
            case HALVES -> call(manager, "rotate", x, cos, sin);
            case NEIGHBOURS -> call(manager, "rotate_neighbours", x, cos, sin);
        };
    }

    private NDArray channels(NDManager manager, NDArray x, long from, long to) {
        try (IValue a = value(x);
                IValue b = IValue.from(from);
                IValue c = IValue.from(to)) {
            return run(manager, "channels", a, b, c);
        }
    }

    /**
     * Causal attention of q (batch, heads, new, headDim) over k and v (batch, heads, seen, headDim): the new tokens are
     * the last ones seen.
     */
    public NDArray attend(NDManager manager, NDArray q, NDArray k, NDArray v, AttentionRule rule) {
        long fresh = q.getShape().get(2);
        long seen = k.getShape().get(2);
        long window = Math.min(seen, rule.window().orElse(Integer.MAX_VALUE));
        if (rule.softcap().isPresent()) {
            return attend(
                    manager,
                    "attend_capped",
                    q,
                    k,
                    v,
                    window,
                    rule.scale(),
                    rule.softcap().getAsDouble());
        }
        if (window < seen || fresh > 1 && fresh < seen) { // the kernel's own mask would start at the first key
            return attend(manager, "attend_masked", q, k, v, window, rule.scale());
        }
        if (rule.equals(AttentionRule.usual(Math.toIntExact(q.getShape().get(3))))) {
            return attend(manager, "attend", q, k, v, fresh > 1);
        }
        return attend(manager, "attend_scaled", q, k, v, fresh > 1, rule.scale());
    }

    private NDArray attend(NDManager manager, String method, NDArray q, NDArray k, NDArray v, Object... options) {
        IValue[] arguments = new IValue[3 + options.length];
        arguments[0] = value(q);
        arguments[1] = value(k);
        arguments[2] = value(v);
        for (int i = 0; i < options.length; i++) {
            arguments[3 + i] = switch (options[i]) {
                case Boolean flag -> IValue.from(flag);
                case Long number -> IValue.from(number);
                case Double number -> IValue.from(number);
                default -> throw new IllegalArgumentException("No option " + options[i]);
            };
        }
        return closing(manager, method, arguments);
    }

    /** act(gate) · up. */
    public NDArray gated(NDManager manager, NDArray gate, NDArray up, Activation activation) {
        return switch (activation) {
            case SILU -> swiglu(manager, gate, up);
            case GELU_TANH -> call(manager, "geglu", gate, up);
        };
    }

    /** The model's logits, from the products of its head. */
    public NDArray scaledLogits(NDManager manager, NDArray products, Logits rule) {
        NDArray scaled = closing(manager, "scaled_logits", value(products), IValue.from(rule.divisor()));
        return rule.softcap().isEmpty()
                ? scaled
                : closing(
                        manager,
                        "capped",
                        value(scaled),
                        IValue.from(rule.softcap().getAsDouble()));
    }

    /** silu(gate) · up. */
    NDArray swiglu(NDManager manager, NDArray gate, NDArray up) {
        try (IValue a = value(gate);
                IValue b = value(up);
                IValue c = IValue.from(step(manager))) {
            return run(manager, "swiglu", a, b, c);
        }
    }

    /** silu(x·Gᵀ) · (x·Uᵀ) for x in float32 and G and U in bfloat16, as float32. */
    NDArray gatedBFloat16(NDManager manager, NDArray x, NDArray gate, NDArray up) {
        try (IValue a = value(x);
                IValue b = value(gate);
                IValue c = value(up);
                IValue d = IValue.from(step(manager))) {
            return run(manager, "gated_bf16", a, b, c, d);
        }
    }

    /** Number of rows that pass through several elementwise operations together: few enough for a processor's cache. */
    private static long step(NDManager manager) {
        return manager.getDevice().isGpu() ? Long.MAX_VALUE / 2 : CACHED_ROWS;
    }

    /** The rows of a (n, m) matrix at {@code index}, in that order: (index.length, m). */
    public NDArray rows(NDManager manager, NDArray matrix, int[] index) {
        try (NDArray positions =
                manager.create(IntStream.of(index).asLongStream().toArray())) {
            return call(manager, "rows", matrix, positions);
        }
    }

    /** Sum of each column of a (n, m) matrix: (m). */
    public NDArray columnSums(NDManager manager, NDArray matrix) {
        return call(manager, "column_sums", matrix);
    }

    /** Sum of squares of each column of a (n, m) matrix: (m). */
    public NDArray columnSquares(NDManager manager, NDArray matrix) {
        return call(manager, "column_squares", matrix);
    }

    /** The transpose of a matrix, contiguous, unlike a view. */
    public NDArray transposed(NDManager manager, NDArray matrix) {
        return call(manager, "transposed", matrix);
    }

    /** Kullback-Leibler divergence Σ eᵖ(p − q) of two log-probabilities of one shape, a scalar. */
    public NDArray divergence(NDManager manager, NDArray p, NDArray q) {
        return call(manager, "divergence", p, q);
    }

    /** Adds in place, even to a result of these operations. */
    public void addTo(NDArray target, NDArray x) {
        call(target.getManager(), "add_to", target, x).close(); // another handle on the same memory
    }

    /** Subtracts A·B from a matrix in place, without a temporary of its size. */
    public void subtractProduct(NDArray target, NDArray a, NDArray b) {
        call(target.getManager(), "subtract_product", target, a, b).close(); // another handle on the same memory
    }

    /** Sum of squares of each row of a (n, m) matrix: (n). */
    public NDArray rowSquares(NDManager manager, NDArray matrix) {
        return call(manager, "row_squares", matrix);
    }

    /**
     * {@code scale} times the symmetric (n, n) matrix whose columns are given from the diagonal down.
     *
     * @param strips of columns, in order: the one that starts at column c is (n − c, its width)
     */
    public NDArray symmetric(NDManager manager, List<NDArray> strips, double scale) {
        try (IValue a = IValue.listFrom(strips.toArray(PtNDArray[]::new));
                IValue b = IValue.from(scale)) {
            return run(manager, "symmetric", a, b);
        }
    }

    /** A (n, n) matrix with {@code values} (n) added to its diagonal. */
    public NDArray shifted(NDManager manager, NDArray matrix, NDArray values) {
        return call(manager, "shifted", matrix, values);
    }

    /** A matrix with each row and each column multiplied by a factor. */
    public NDArray scaled(NDManager manager, NDArray matrix, NDArray rows, NDArray columns) {
        return call(manager, "scaled_by", matrix, rows, columns);
    }

    /**
     * Moves the weights that are not zero towards the least tr((W − W₀)·H·(W − W₀)ᵀ), by conjugate gradients
     * preconditioned by the diagonal of H, all rows at once.
     *
     * @param pruned (rows, in)
     * @param dense W₀, (rows, in)
     * @param hessian (in, in)
     * @param diagonal of it, (in)
     * @return the weights, (rows, in), and the error before and after, (2)
     */
    public NDList refit(
            NDManager manager, NDArray pruned, NDArray dense, NDArray hessian, NDArray diagonal, int iterations) {
        try (IValue a = value(pruned);
                IValue b = value(dense);
                IValue c = value(hessian);
                IValue d = value(diagonal);
                IValue e = IValue.from((long) iterations);
                IValue result = IValueUtils.runMethod(module, "refit", a, b, c, d, e)) {
            return result.toNDList((PtNDManager) manager);
        }
    }

    /** (T + V∘(1 − 2M))·B + V∘M, for a symmetric B; one step of ADMM. */
    public NDArray admmStep(NDManager manager, NDArray target, NDArray v, NDArray mask, NDArray inverse) {
        return call(manager, "admm_step", target, v, mask, inverse);
    }

    /** 1 where |x| is at most {@code threshold}, else 0. */
    public NDArray smaller(NDManager manager, NDArray x, double threshold) {
        return closing(manager, "smaller", value(x), IValue.from(threshold));
    }

    /** 1 where |x| is among the {@code n} smallest of its {@code m} consecutive columns, or equal to them, else 0. */
    public NDArray smallestOfGroups(NDManager manager, NDArray x, int n, int m) {
        return closing(manager, "smallest_of_groups", value(x), IValue.from((long) n), IValue.from((long) m));
    }

    /** |x| of every {@code step}-th element. */
    public NDArray sampled(NDManager manager, NDArray x, long step) {
        return closing(manager, "sampled", value(x), IValue.from(step));
    }

    /** Lower Cholesky factor of a symmetric (n, n) matrix; empty if it is not positive definite. */
    public Optional<NDArray> cholesky(NDManager manager, NDArray matrix) {
        return BlockedCholesky.of(this, manager, matrix);
    }

    /** Lower Cholesky factor by the library, for small matrices. */
    Optional<NDArray> factorise(NDManager manager, NDArray matrix) {
        try {
            return Optional.of(call(manager, "cholesky", matrix));
        } catch (EngineException e) {
            if (String.valueOf(e.getMessage()).contains("positive-definite")) {
                return Optional.empty();
            }
            throw e; // for example, a device out of memory
        }
    }

    /** Inverse of a lower triangular (n, n) matrix. */
    public NDArray invertLower(NDManager manager, NDArray lower) {
        return TriangularInverse.of(this, manager, lower);
    }

    /** Inverse by the library's own solver, for small matrices. */
    NDArray solveLower(NDManager manager, NDArray lower) {
        return call(manager, "invert_lower", lower);
    }

    private NDArray call(NDManager manager, String method, NDArray... arguments) {
        IValue[] values = new IValue[arguments.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(arguments[i]);
        }
        return closing(manager, method, values);
    }

    /** Runs a method and closes its arguments. */
    private NDArray closing(NDManager manager, String method, IValue... arguments) {
        try {
            return run(manager, method, arguments);
        } finally {
            for (IValue argument : arguments) {
                argument.close();
            }
        }
    }

    private NDArray run(NDManager manager, String method, IValue... arguments) {
        try (IValue result = IValueUtils.runMethod(module, method, arguments)) {
            return result.toTensor((PtNDManager) manager);
        }
    }

    private static IValue value(NDArray array) {
        return IValue.from((PtNDArray) array);
    }
}
