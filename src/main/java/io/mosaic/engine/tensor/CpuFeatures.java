package io.mosaic.engine.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Instruction sets of this machine's processor, by their Linux names; none are known on other systems. */
final class CpuFeatures {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
    private static final Set<String> FLAGS = read();

    private CpuFeatures() {}

    /** Whether the processor has instructions for bfloat16 products: x86 with AVX-512 or AMX, or Arm. */
    static boolean bfloat16() {
        return FLAGS.contains("avx512_bf16") || FLAGS.contains("amx_bf16") || FLAGS.contains("bf16");
    }

    static boolean avx512() {
        return FLAGS.contains("avx512f");
    }

    /** The widest instructions that PyTorch's kernels use here. */
    static String instructionSet() {
        List<String> limits = Stream.of("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
                .flatMap(name -> Optional.ofNullable(System.getenv(name)).stream())
                .toList();
        String widest = avx512() ? "avx512" : FLAGS.contains("avx2") ? "avx2" : "baseline";
        return limits.isEmpty() ? widest : widest + " " + String.join(" ", limits);
    }

    private static Set<String> read() {
        try (Stream<String> lines = Files.lines(CPU_INFO)) {
            return lines.filter(line -> line.startsWith("flags") || line.startsWith("Features"))
                    .limit(1)
                    .flatMap(line -> Stream.of(
                            line.substring(line.indexOf(':') + 1).trim().split("\\s+")))
                    .collect(Collectors.toUnmodifiableSet());
        } catch (IOException e) {
            return Set.of();
        }
    }
}
