package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.Part;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.TensorSlice;
import io.mosaic.engine.architecture.family.Families;
import io.mosaic.engine.json.StrictJson;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Hugging Face model folder, opened: config.json and the memory-mapped weights of one file or of several shards.
 * Nothing is loaded until a tensor is read. Close unmaps the files.
 */
public final class Checkpoint implements AutoCloseable {
    /** The weight file of a model without shards. */
    public static final String SINGLE_FILE = "model.safetensors";

    private static final Pattern LAYER = Pattern.compile("(\\d{1,5})\\.");
    private static final int PART = 1 << 20; // elements read by one thread at a time
    private static final int MAX_ELEMENTS = Integer.MAX_VALUE - 8; // the most a Java array can hold

    private final Path folder;
    private final Architecture architecture;
    private final List<SafetensorsReader> shards;
    private final Map<String, Stored> tensors;

    /** A tensor and the shard that holds it. */
    private record Stored(SafetensorsReader shard, TensorInfo info) {}

    private Checkpoint(
            Path folder, Architecture architecture, List<SafetensorsReader> shards, Map<String, Stored> tensors) {
        this.folder = folder;
        this.architecture = architecture;
        this.shards = shards;
        this.tensors = tensors;
    }

    /** @throws MosaicException with a separate code for each kind of fault in the folder */
    public static Checkpoint open(Path folder) {
        Architecture architecture = Families.read(folder);
        Map<String, SafetensorsReader> open = new LinkedHashMap<>();
        try {
            Map<String, Stored> tensors = new LinkedHashMap<>();
            if (Files.exists(folder.resolve(ShardIndex.FILE))) {
                openShards(folder, open, tensors);
            } else if (Files.isRegularFile(folder.resolve(SINGLE_FILE))) {
                SafetensorsReader reader = SafetensorsReader.open(folder.resolve(SINGLE_FILE));
                open.put(SINGLE_FILE, reader);
                reader.tensors().forEach((name, info) -> tensors.put(name, new Stored(reader, info)));
            } else {
                throw new MosaicException(
                        ErrorCode.SAFETENSORS_INVALID,
                        "The model folder has neither " + SINGLE_FILE + " nor " + ShardIndex.FILE
                                + "; other weight formats are not read");
            }
            return new Checkpoint(folder, architecture.in(tensors::containsKey), List.copyOf(open.values()), tensors);
        } catch (RuntimeException e) {
            open.values().forEach(SafetensorsReader::close);
            throw e;
        }
    }

    private static void openShards(Path folder, Map<String, SafetensorsReader> open, Map<String, Stored> tensors) {
        Map<String, String> index = ShardIndex.read(folder);
        for (String shard : new LinkedHashSet<>(index.values())) {
            if (!Files.isRegularFile(folder.resolve(shard))) {
                throw new MosaicException(
                        ErrorCode.SHARD_INDEX_INVALID, ShardIndex.FILE + " names " + shard + ", which is missing");
            }
            open.put(shard, SafetensorsReader.open(folder.resolve(shard)));
        }
        open.forEach((shard, reader) -> reader.tensors().forEach((name, info) -> {
            if (!shard.equals(index.get(name))) {
                throw new MosaicException(
                        ErrorCode.SHARD_INDEX_INVALID,
                        shard + " holds " + StrictJson.quote(name) + ", which " + ShardIndex.FILE
                                + " does not place there");
            }
            tensors.put(name, new Stored(reader, info));
        }));
        index.forEach((name, shard) -> {
            if (!tensors.containsKey(name)) {
                throw new MosaicException(
                        ErrorCode.TENSOR_MISSING,
                        ShardIndex.FILE + " places " + StrictJson.quote(name) + " in " + shard + ", which lacks it");
            }
        });
    }

    /**
     * A view of the same files as a model of only some layers, numbered from 0 in this order; valid as long as this
     * checkpoint, and not to be closed.
     */
    public Checkpoint keeping(List<Integer> layers) {
        String prefix = architecture.tensors().layers();
        Map<String, Stored> kept = new LinkedHashMap<>();
        tensors.forEach((name, stored) -> {
            Matcher number = LAYER.matcher(name).region(Math.min(prefix.length(), name.length()), name.length());
            if (!name.startsWith(prefix) || !number.lookingAt()) {
                kept.put(name, stored);
                return;
            }
            int place = layers.indexOf(Integer.parseInt(number.group(1)));
            if (place >= 0) {
                String renamed = prefix + place + name.substring(number.end(1));
                kept.put(renamed, new Stored(stored.shard(), stored.info().named(renamed)));
            }
        });
        return new Checkpoint(folder, architecture.keeping(layers), shards, kept);
    }

    public Path folder() {
        return folder;
    }

    public Architecture architecture() {
        return architecture;
    }

    /** The weight files, in order. */
    public List<Path> weightFiles() {
        return shards.stream().map(SafetensorsReader::file).toList();
    }

    /** Bytes of all tensors as stored. */
    public long weightBytes() {
        return tensors.values().stream().mapToLong(t -> t.info().bytes()).sum();
    }

    public Optional<TensorInfo> tensor(String name) {
        return Optional.ofNullable(tensors.get(name)).map(Stored::info);
    }

    /** Every tensor, in file order. */
    public List<TensorInfo> tensors() {
        return tensors.values().stream().map(Stored::info).toList();
    }

    /** Number format of a map's weight. */
    public DType dtype(MapId id) {
        return dtype(weight(id));
    }

    /** Number format of the tensor that holds these elements. */
    public DType dtype(TensorSlice slice) {
        return stored(slice.tensor()).info().dtype();
    }

    /** A map's weight, (out, in), row-major, as float32. */
    public float[] read(MapId id) {
        return read(weight(id));
    }

    private TensorSlice weight(MapId id) {
        return architecture.weight(id, architecture.shape(id.layer()));
    }

    /**
     * A whole tensor, row-major, as float32.
     *
     * @throws MosaicException TENSOR_NOT_FINITE with the first index that holds NaN or infinity
     */
    public float[] read(String name) {
        return read(new TensorSlice(name, 0, stored(name).info().elements()));
    }

    /** Some elements of a tensor; see {@link #read(String)}. */
    public float[] read(TensorSlice slice) {
        String name = slice.tensor();
        Stored stored = stored(name);
        if (slice.count() > MAX_ELEMENTS) {
            throw new MosaicException(
                    ErrorCode.TENSOR_SHAPE,
                    "Tensor " + name + " of shape " + stored.info().shape() + " has " + slice.count()
                            + " elements, the limit is " + MAX_ELEMENTS);
        }
        float[] values = new float[(int) slice.count()];
        int bad = Part.of(values.length, PART)
                .mapToInt(part -> read(stored, slice.from() + part.from(), values, part.from(), part.to()))
                .min()
                .orElse(values.length);
        if (bad < values.length) {
            throw notFinite(name, slice.from() + bad, values[bad]);
        }
        stored.shard().release(stored.info()); // else the whole model would end up resident
        return values;
    }

    /** Elements {@code from} to {@code from + count}; see {@link #read(String)}. */
    public void read(String name, long from, float[] target, int count) {
        Stored stored = stored(name);
        int bad = read(stored, from, target, 0, count);
        if (bad < count) {
            throw notFinite(name, from + bad, target[bad]);
        }
    }

    /**
     * Reads to {@code target[at]} up to {@code end}; returns the first index that is not finite, else a huge number.
     */
    private static int read(Stored stored, long from, float[] target, int at, int end) {
        stored.shard().read(stored.info(), from, target, at, end - at);
        for (int i = at; i < end; i++) {
            if (!Float.isFinite(target[i])) {
                return i;
            }
        }
        return Integer.MAX_VALUE;
    }

    private static MosaicException notFinite(String name, long index, float value) {
        return new MosaicException(
                ErrorCode.TENSOR_NOT_FINITE, "Tensor " + name + " holds " + value + " at index " + index);
    }

    /** The stored bytes of a tensor. */
    public MemorySegment bytes(String name) {
        Stored stored = stored(name);
        return stored.shard().bytes(stored.info());
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsReader::close);
    }

    private Stored stored(String name) {
        Stored stored = tensors.get(name);
        if (stored == null) {
            throw new MosaicException(ErrorCode.TENSOR_MISSING, "Tensor " + name + " is missing");
        }
        return stored;
    }
}
