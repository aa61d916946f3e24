import {
  DockerfileParser,
  type From,
  type ModifiableInstruction,
  type PropertyInstruction,
} from 'dockerfile-ast';
import { readText } from './repository.ts';

/** An instruction of a stage: `COPY --from=a b c` has the flag `from` and two arguments. */
export interface Instruction {
  keyword: string;
  flags: Record<string, string>;
  args: string[];
  /** The arguments as they stand. */
  text: string;
}

export interface Stage {
  name: string;
  /** An image, or the name of a stage before it. */
  from: string;
  instructions: Instruction[];
}

/** The stages of the Dockerfile in their order; the last one is the image. */
export function readStages(): Stage[] {
  const stages: Stage[] = [];
  for (const parsed of DockerfileParser.parse(readText('Dockerfile')).getInstructions()) {
    if (parsed.getKeyword() === 'FROM') {
      const from = parsed as From;
      const name = from.getBuildStage() ?? 'image';
      stages.push({ name, from: from.getImage() ?? '', instructions: [] });
      continue;
    }
    const flags = (parsed as Partial<ModifiableInstruction>).getFlags?.call(parsed) ?? [];
    stages.at(-1)?.instructions.push({
      keyword: parsed.getKeyword(),
      flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
      args: parsed.getArguments().map((argument) => argument.getValue()),
      text: parsed.getArgumentsContent() ?? '',
    });
  }
  return stages;
}

/** A stage's instructions after those of the stage it starts from. */
export function inheritedBy(stages: Stage[], name: string): Instruction[] {
  const stage = stages.find((one) => one.name === name);
  return stage === undefined ? [] : [...inheritedBy(stages, stage.from), ...stage.instructions];
}

/** What a container of the image starts with. */
export interface ImageSettings {
  env: Record<string, string>;
  user: string;
  ports: string[];
  volumes: string[];
  labels: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
}

/**
 * The settings of the last stage.
 *
 * @throws SyntaxError when a command is not in exec form: a shell in between would keep signals to itself.
 */
export function readSettings(stages = readStages()): ImageSettings {
  const of = (keyword: string) =>
    inheritedBy(stages, 'image').filter((instruction) => instruction.keyword === keyword);
  const last = (keyword: string) => of(keyword).at(-1)?.text ?? '';
  return {
    env: propertiesOf('ENV'),
    user: last('USER'),
    ports: of('EXPOSE').flatMap(({ args }) => args),
    volumes: of('VOLUME').flatMap(({ args }) => args),
    labels: propertiesOf('LABEL'),
    entrypoint: JSON.parse(last('ENTRYPOINT')),
    command: JSON.parse(last('CMD')),
    healthcheck: JSON.parse(last('HEALTHCHECK').replace(/^CMD /, '')),
  };
}

/** The pairs of every ENV or LABEL; only the last stage has any. */
function propertiesOf(keyword: 'ENV' | 'LABEL'): Record<string, string> {
  const pairs = DockerfileParser.parse(readText('Dockerfile'))
    .getInstructions()
    .filter((instruction) => instruction.getKeyword() === keyword)
    .flatMap((instruction) => (instruction as PropertyInstruction).getProperties())
    .map((property) => [property.getName(), property.getValue() ?? '']);
  return Object.fromEntries(pairs);
}
