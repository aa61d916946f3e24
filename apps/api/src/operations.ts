import type { Operation } from '@tidings/contracts';
import { initTRPC } from '@trpc/server';
import type { z } from 'zod';
import { type Principal, requireScope } from './principal.ts';

/** What an operation knows of its call. */
export interface Context {
  principal: Principal;
  requestId: string;
  /** Headers to answer with. */
  headers: Record<string, string>;
}

/** What an operation does. */
export type Handler<Input extends z.ZodType, Output extends z.ZodType> = (
  input: z.output<Input>,
  context: Context,
) => Promise<z.input<Output>>;

/** What REST and OpenAPI find on each tRPC procedure. */
export interface Implementation {
  operation: Operation;
  handler: (input: unknown, context: Context) => Promise<unknown>;
}

const trpc = initTRPC.context<Context>().meta<Implementation>().create();
export const router = trpc.router;

/** An operation that changes something: a tRPC mutation. */
export function mutation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output>,
) {
  return procedure(operation, handler).mutation(({ input, ctx }) => handler(input as z.output<Input>, ctx));
}

/** An operation that only reads: a tRPC query. */
export function query<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output>,
) {
  return procedure(operation, handler).query(({ input, ctx }) => handler(input as z.output<Input>, ctx));
}

function procedure<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output>,
) {
  const authorized: Handler<Input, Output> = async (input, context) => {
    requireScope(context.principal, operation.scope);
    return handler(input, context);
  };
  return trpc.procedure
    .meta({ operation, handler: authorized as Implementation['handler'] })
    .use(({ ctx, next }) => {
      requireScope(ctx.principal, operation.scope);
      return next();
    })
    .input(operation.input);
}
