package io.mosaic.server;

import java.util.List;
import java.util.function.Function;
import org.springframework.data.domain.Page;

/** One page of a list, as the API answers every list. */
public record PageView<T>(List<T> content, Position page) {
    public record Position(int size, int number, long totalElements, int totalPages) {}

    public static <S, T> PageView<T> of(Page<S> page, Function<S, T> view) {
        return new PageView<>(
                page.map(view).getContent(),
                new Position(page.getSize(), page.getNumber(), page.getTotalElements(), page.getTotalPages()));
    }

    /** The whole list as one page. */
    public static <T> PageView<T> all(List<T> content) {
        return new PageView<>(content, new Position(content.size(), 0, content.size(), content.isEmpty() ? 0 : 1));
    }
}
