package io.mosaic.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.training.GradientCollector;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.decoder.Teacher;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Trains the model in src/test/resources/pupil: a Llama of another width, depth, head grouping and context than the
 * demo model's, from random weights. Its texts are made up by the demo model, each from one token of demo-calibration,
 * and it learns all that the demo model holds possible at each of their tokens (arXiv 1503.02531): the texts that Mosaic
 * ships are too short to learn from. No order of words of demo-calibration and nothing of demo-test teaches it.
 *
 * <pre>
 * mvn -q test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath
 * OMP_NUM_THREADS=1 java --enable-native-access=ALL-UNNAMED \
 *     -cp target/test-classes:target/classes:$(cat target/classpath) \
 *     io.mosaic.training.TrainModel src/test/resources/pupil
 * </pre>
 *
 * <p>Half an hour on one core. Seeded, so that it repeats but for what other processors round differently.
 */
public final class TrainModel {
    private static final TinyLlama DESIGN = new TinyLlama(
            new LayerShape(192, 6, 2, 32, 380), 5, Demo.VOCABULARY, 128, new RotaryKind.Default(), true, DType.BF16, 1);

    private static final int LESSONS = 5;
    private static final int WINDOWS = 256; // of a lesson
    private static final int BATCH = 16; // windows
    private static final int STEPS = 800;
    private static final int WARM_UP = 30; // steps
    private static final float PEAK_RATE = 3e-3f;
    private static final int REPORT = 50; // steps
    private static final int MEASURED = 4096; // tokens

    private TrainModel() {}

    /** @param args the folder to write */
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        int[] text = Demo.tokens("demo-calibration");
        SplittableRandom random = new SplittableRandom(DESIGN.seed());
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint demo = Demo.checkpoint();
                Teacher teacher = new Teacher(manager, demo, DESIGN.context())) {
            List<Teacher.Lesson> lessons = lessons(teacher, text, random);
            TrainableLlama pupil = new TrainableLlama(manager, DESIGN);
            Optimizer adam = adam();
            double loss = 0;
            for (int step = 1; step <= STEPS; step++) {
                Teacher.Lesson lesson = lessons.get(random.nextInt(LESSONS));
                int from = BATCH * random.nextInt(WINDOWS / BATCH);
                loss += step(manager, pupil, teacher, lesson, from) / REPORT;
                pupil.weights().forEach((name, weight) -> update(adam, name, weight));
                if (step % REPORT == 0) {
                    pupil.write(folder);
                    say("step %d: %.4f nats, perplexity %.2f", step, loss, perplexity(manager, folder, text));
                    loss = 0;
                }
            }
        }
    }

    private static List<Teacher.Lesson> lessons(Teacher teacher, int[] text, SplittableRandom random) {
        List<Teacher.Lesson> lessons = new ArrayList<>();
        for (int i = 1; i <= LESSONS; i++) {
            int[] first =
                    random.ints(WINDOWS, 0, text.length).map(at -> text[at]).toArray();
            lessons.add(teacher.lesson(first, random));
            say("lesson %d of %d", i, LESSONS);
        }
        return lessons;
    }

    private static Optimizer adam() {
        Tracker fall = Tracker.cosine()
                .setBaseValue(PEAK_RATE)
                .optFinalValue(PEAK_RATE / 100)
                .setMaxUpdates(STEPS - WARM_UP)
                .build();
        Tracker rate =
                Tracker.warmUp().optWarmUpSteps(WARM_UP).setMainTracker(fall).build();
        return Optimizer.adam()
                .optBeta2(0.98f) // there are too few steps for a longer memory
                .optLearningRateTracker(rate)
                .build();
    }

    /** Mean cross-entropy of the pupil's predictions in the teacher's; its gradients now lie at the weights. */
    private static float step(
            NDManager manager, TrainableLlama pupil, Teacher teacher, Teacher.Lesson lesson, int from) {
        int[][] windows = Arrays.copyOfRange(lesson.windows(), from, from + BATCH);
        try (NDManager scope = manager.newSubManager()) {
            NDArray states = lesson.states().get(scope, new NDIndex("{}:{}", from, from + BATCH));
            NDArray wanted = teacher.predictions(scope, states);
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDArray loss = wanted.mul(pupil.logits(scope, windows).logSoftmax(-1))
                        .sum()
                        .div(-(float) BATCH * DESIGN.context());
                collector.backward(loss);
                return loss.getFloat();
            }
        }
    }

    private static void update(Optimizer adam, String name, NDArray weight) {
        try (NDArray gradient = weight.getGradient()) {
            adam.update(name, weight, gradient);
        }
    }

    /** Of what is on disk, on the beginning of a text. */
    private static double perplexity(NDManager manager, Path folder, int[] text) {
        try (Checkpoint pupil = Checkpoint.open(folder)) {
            return new Perplexity(
                            new Compute(manager, Precision.F32),
                            Perplexity.Protocol.whole(DESIGN.context()),
                            new CancellationToken())
                    .of(pupil, "demo-calibration", Arrays.copyOf(text, MEASURED), () -> {});
        }
    }

    private static void say(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }
}
