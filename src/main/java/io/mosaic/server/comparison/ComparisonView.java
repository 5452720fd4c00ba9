package io.mosaic.server.comparison;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.mosaic.engine.evaluation.Compared;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.server.job.Job;
import io.mosaic.server.job.JobState;
import java.time.Instant;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/** A comparison as the API shows it. */
record ComparisonView(UUID id, Instant submittedAt, List<Row> rows) {
    /** Removed shares closer than this count as equal. */
    private static final double SAME_SHARE = 0.0005;

    /**
     * One model; measured values are present once its job has SUCCEEDED.
     *
     * @param seconds of the whole job, shared by all its models
     */
    record Row(
            String name,
            UUID job,
            JobState state,
            String model,
            double sparsity,
            Optional<Double> realised,
            Optional<Double> physical,
            List<PruningReport.PerplexityResult> perplexity,
            Optional<PruningReport.ComparedBytes> weightBytes,
            Optional<Compared> prefillTokensPerSecond,
            Optional<Compared> decodeTokensPerSecond,
            Optional<Double> seconds,
            Optional<Job.Failure> error) {}

    @JsonProperty
    boolean finished() {
        return rows.stream().allMatch(row -> row.state().terminal());
    }

    /**
     * Whether perplexities may be compared: at least two models were asked for the same share, and all such models
     * removed the same share. Empty until all are done.
     */
    @JsonProperty
    Optional<Boolean> sameShare() {
        if (!finished()) {
            return Optional.empty();
        }
        Collection<DoubleSummaryStatistics> shares = rows.stream()
                .filter(row -> row.realised().isPresent())
                .collect(Collectors.groupingBy(
                        Row::sparsity,
                        Collectors.summarizingDouble(row -> row.realised().orElseThrow())))
                .values();
        return Optional.of(!shares.isEmpty()
                && shares.stream()
                        .allMatch(same -> same.getCount() > 1 && same.getMax() - same.getMin() <= SAME_SHARE));
    }

    /** The table in Markdown. */
    String markdown() {
        List<String> corpora = rows.stream()
                .flatMap(row -> row.perplexity().stream())
                .map(PruningReport.PerplexityResult::corpus)
                .distinct()
                .toList();
        StringBuilder table = new StringBuilder("| recipe | state | removed | physical |");
        corpora.forEach(corpus -> table.append(" perplexity on ").append(corpus).append(" |"));
        table.append(" weights, MB | decode, tokens/s | seconds of the job |\n|")
                .append("---|".repeat(7 + corpora.size()));
        for (Row row : rows) {
            table.append("\n| ").append(row.name()).append(" | ").append(row.state());
            cell(table, "%.4f", row.realised());
            cell(table, "%.4f", row.physical());
            for (String corpus : corpora) {
                cell(
                        table,
                        "%.2f",
                        row.perplexity().stream()
                                .filter(p -> p.corpus().equals(corpus))
                                .map(PruningReport.PerplexityResult::pruned)
                                .findFirst());
            }
            cell(table, "%.2f", row.weightBytes().map(bytes -> bytes.pruned() / 1e6));
            cell(table, "%.0f", row.decodeTokensPerSecond().map(Compared::pruned));
            cell(table, "%.1f", row.seconds());
            table.append(" |");
        }
        String dense = rows.stream()
                .map(Row::perplexity)
                .filter(perplexities -> !perplexities.isEmpty())
                .findFirst()
                .map(perplexities -> perplexities.stream()
                        .map(p -> String.format(Locale.ROOT, "%s %.2f", p.corpus(), p.dense()))
                        .collect(Collectors.joining(", ", "\n\nDense: ", "\n")))
                .orElse("\n");
        return table + dense;
    }

    private static void cell(StringBuilder table, String format, Optional<Double> value) {
        table.append(" | ")
                .append(value.map(v -> String.format(Locale.ROOT, format, v)).orElse(""));
    }
}
