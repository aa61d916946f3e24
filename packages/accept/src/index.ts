export { type Accept, type Accepted, createAccept } from './accept.ts';
export { type Admission, createAdmission } from './admission.ts';
export { createPlanner, type MakePlan, type Plan } from './plan.ts';
export { speaksOfRecipient } from './recipient-data.ts';
export {
  createTemplateCache,
  type FindTemplate,
  type TemplateCache,
  type UsableTemplate,
} from './template-cache.ts';
