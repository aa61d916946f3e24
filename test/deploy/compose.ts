import { parse } from 'yaml';
import { interpolate, type Variables } from './interpolate.ts';
import { readText } from './repository.ts';

/** A service, as far as the tests look at it. */
export interface ComposeService {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  networks: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  container_name?: string;
  pull_policy?: string;
  tmpfs?: string[];
  logging?: { options: Record<string, string> };
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
}

/** The text of docker-compose.yml. */
export const composeText = readText('docker-compose.yml');

/** docker-compose.yml as Compose reads it, anchors merged and variables filled in. */
export function readCompose(variables: Variables = {}): ComposeFile {
  const fill = (_: unknown, value: unknown) =>
    typeof value === 'string' ? interpolate(value, variables) : value;
  return parse(composeText, fill, { merge: true }) as ComposeFile;
}

/** The services that run our image. */
export function rolesOf(compose: ComposeFile): Array<[name: string, service: ComposeService]> {
  return Object.entries(compose.services).filter(([, { image }]) => image === 'tidings');
}
