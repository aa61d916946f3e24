# One image for every role: docker run tidings [start | demo | api | workers | board].
# The Node that package.json pins for Linux.
FROM node:24.21-slim AS base
WORKDIR /app

# The dependencies change seldom, so they are a layer of their own, made from the manifests alone.
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
COPY apps/all-in-one/package.json apps/all-in-one/
COPY apps/api/package.json apps/api/
COPY apps/board/package.json apps/board/
COPY apps/workers/package.json apps/workers/
COPY packages/accept/package.json packages/accept/
COPY packages/client/package.json packages/client/
COPY packages/contracts/package.json packages/contracts/
COPY packages/db/package.json packages/db/
COPY packages/events/package.json packages/events/
COPY packages/queue/package.json packages/queue/
COPY packages/runtime/package.json packages/runtime/
COPY packages/templates/package.json packages/templates/
# What is optional is a Node of our own, which the base image is, TypeScript's compiler, and a faster
# unpacker for msgpackr, which has another in JavaScript: 220 MB that no role needs.
RUN npm ci --omit=dev --omit=optional

FROM base
LABEL org.opencontainers.image.title="Tidings" \
      org.opencontainers.image.description="Self-hosted notification service" \
      org.opencontainers.image.licenses="Apache-2.0"
# Whoever runs the image decides who reaches these ports; inside, all interfaces are the container's own.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    BOARD_PORT=3001 \
    WORKERS_PORT=3002 \
    DATA_DIR=/data
# A fresh volume takes the owner and mode of what it covers. Keys and passwords are kept there.
RUN install -d -o node -g node -m 700 /data
# Everything here belongs to root, so no role can change its own code.
COPY --from=dependencies /app ./
COPY tidings.mjs LICENSE ./
COPY deploy/health.mjs deploy/
COPY packages packages
COPY apps apps

USER node
VOLUME /data
EXPOSE 3000 3001 3002
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/health.mjs"]
# As the npm scripts do: a third less memory for the same rate, since the garbage of the start is not kept.
ENTRYPOINT ["node", "--max-semi-space-size=8", "tidings.mjs"]
CMD ["start"]
