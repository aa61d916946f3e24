import { type Config, findSecrets, type Secrets } from '@tidings/runtime';

/** The file of a generated secret in the data directory. */
export const jwtSecretFile = 'jwt-secret';

/**
 * What tokens are signed with (the first) and may still be signed with (the others). Processes whose secrets differ
 * do not take each other's tokens.
 *
 * @throws ConfigError when the file holds no secret.
 */
export function findJwtSecrets(
  config: Pick<Config, 'DATA_DIR' | 'JWT_SECRET' | 'JWT_SECRET_PREVIOUS'>,
): Secrets {
  return findSecrets({
    dataDir: config.DATA_DIR,
    file: jwtSecretFile,
    name: 'JWT_SECRET',
    given: config.JWT_SECRET,
    previous: config.JWT_SECRET_PREVIOUS,
  });
}
