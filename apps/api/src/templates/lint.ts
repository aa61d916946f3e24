import { lintTemplate } from '@tidings/contracts';
import { mutation } from '../operations.ts';
import type { Workshop } from './workshop.ts';

/** `templates.lint`. A POST, since it takes a while; it changes nothing. */
export const lint = (workshop: Workshop) =>
  mutation(lintTemplate, async ({ key, version }, { principal }) => {
    const { shown } = await workshop.find(principal.projectId, key, version);
    const { findings } = await workshop.build(shown);
    return { version: shown.version, findings: findings.slice(0, 100) };
  });
