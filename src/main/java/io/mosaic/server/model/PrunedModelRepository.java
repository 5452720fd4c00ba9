package io.mosaic.server.model;

import org.springframework.data.jpa.repository.JpaRepository;

/** The models made by jobs, by id. */
public interface PrunedModelRepository extends JpaRepository<PrunedModel, String> {}
