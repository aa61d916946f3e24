// The health check of the image. A container runs one role, so whichever of the three ports answers is that
// role's, and one check serves all. It imports nothing: it runs four times a minute in every container.
const ports = [process.env.PORT, process.env.BOARD_PORT, process.env.WORKERS_PORT];

const answers = await Promise.allSettled(
  ports.map((port) => fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(3000) })),
);
const isWell = answers.some(({ value }) => value?.ok);
if (!isWell) console.error(`no role answers /health on port ${ports.join(', ')}`);
process.exit(isWell ? 0 : 1);
