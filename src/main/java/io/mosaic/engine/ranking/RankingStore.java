package io.mosaic.engine.ranking;

import java.util.Optional;

/** Keeps rankings by their key, so that one serves every target, λ and category. */
public interface RankingStore {
    Optional<OutlierRanking> find(String key);

    void save(String key, OutlierRanking ranking);
}
