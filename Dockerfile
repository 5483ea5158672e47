# syntax=docker/dockerfile:1
#
# Weir in an image without a shell: the binary, with its dashboard inside, and the certificates of the base image.
#
#   docker build -t weir .
#   docker run -p 127.0.0.1:8000:8000 -p 127.0.0.1:8081:8081 -v weir-data:/data -e WEIR_SECURITY_INSECURE=true weir
#
# Weir asks for a token where other machines can reach it. WEIR_SECURITY_INSECURE=true admits everybody who reaches the
# published ports; docs/security.md has tokens and TLS.

FROM node:22-bookworm-slim AS ui
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY clients /src/clients
COPY jobs /src/jobs
COPY ui ./
RUN npx vite build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=ui /src/ui/dist ui/dist
# The caches hold the registry and the compiled dependencies of the builds before. /out and /data are made here, since the
# last stage has no programs to make them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=weir-target-$TARGETARCH \
    cargo build --release --locked -p weir \
    && mkdir -p /out /data \
    && cp target/release/weir /out/weir

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Weir" \
      org.opencontainers.image.description="Real-time query analytics: Flink SQL over events, with a live dashboard" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/weir /usr/local/bin/weir
COPY --from=build --chown=nonroot:nonroot /data /data
ENV WEIR_DATA_DIR=/data \
    WEIR_HTTP_ADDRESS=0.0.0.0:8000 \
    WEIR_JOBS_HTTP_ADDRESS=0.0.0.0:8081 \
    WEIR_GATEWAY_HTTP_ADDRESS=0.0.0.0:8083 \
    WEIR_LOG_FORMAT=json
USER nonroot
WORKDIR /data
VOLUME /data
EXPOSE 8000 8081 8083
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/weir", "health"]
ENTRYPOINT ["/usr/local/bin/weir"]
CMD ["up"]
