package io.mosaic.engine.architecture;

/** One linear map of one decoder layer, layers counted from 0. */
public record MapId(int layer, MapRole role) {
    @Override
    public String toString() {
        return layer + "." + role.label();
    }
}
