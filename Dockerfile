# syntax=docker/dockerfile:1
# Targets: cpu (default, last) and gpu. Both start without a network. The native libraries of cpu are unpacked while it is
# built; those of gpu, which is built without one, when it starts: /natives must be writable then.

FROM maven:3.9-eclipse-temurin-25 AS build
WORKDIR /build
COPY pom.xml .
COPY src src
RUN --mount=type=cache,target=/var/maven mvn -B -q -Dmaven.repo.local=/var/maven -DskipTests -Dspotless.check.skip=true package \
 && java -Djarmode=tools -jar target/mosaic-*.jar extract --destination /app

FROM eclipse-temurin:25-jre-noble AS runtime
RUN groupadd --system --gid 10001 mosaic \
 && useradd --system --uid 10001 --gid mosaic --home-dir /nonexistent --shell /usr/sbin/nologin mosaic \
 && mkdir /data /natives && chown mosaic:mosaic /data /natives
COPY --from=build /app /app
COPY src/ops/docker /app
# one arena of native memory, which tensors take over from each other (src/docs/performance.md)
ENV MOSAIC_HOME=/data \
    MALLOC_ARENA_MAX=1 \
    ENGINE_CACHE_DIR=/natives \
    OPT_OUT_TRACKING=true \
    SERVER_ADDRESS=0.0.0.0
WORKDIR /app
EXPOSE 8080
VOLUME /data
HEALTHCHECK --interval=15s --start-period=60s CMD ["/app/http-ok", "/actuator/health/readiness"]
ENTRYPOINT ["sh", "-c", "exec java -XX:AOTCache=/natives/app.aot --enable-native-access=ALL-UNNAMED -jar /app/mosaic-*.jar"]

# libtorch 2.7.1 for CUDA 12.8 is not in Maven Central; give its unpacked folder as the build context "libtorch":
#   docker build --target gpu --build-context libtorch=/path/to/libtorch .
FROM runtime AS gpu
COPY --from=libtorch lib /opt/libtorch/lib
ENV PYTORCH_LIBRARY_PATH=/opt/libtorch/lib \
    PYTORCH_VERSION=2.7.1 \
    PYTORCH_FLAVOR=cu128 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER mosaic

FROM runtime AS cpu
USER mosaic
RUN /app/train /natives/app.aot
