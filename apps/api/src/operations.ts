import type { Operation } from '@tidings/contracts';
import type { Actor, Change } from '@tidings/db';
import { newId } from '@tidings/runtime';
import { initTRPC } from '@trpc/server';
import type { z } from 'zod';
import { type Principal, requireAccess } from './principal.ts';

/** What is known of a call before it is known whether it may be made. */
export interface OpenContext {
  principal: Principal | undefined;
  requestId: string;
  /** The address that the call comes from; empty when it is not known. */
  address: string;
  /** Did it come by https, to us or to the proxy in front of us? */
  isSecure: boolean;
  /** Headers that it came with. */
  requestHeaders: Headers;
  /**
   * Ends when whoever calls hangs up. A function, for Node's server makes one only where it is asked for, which is to
   * be before the first wait.
   */
  signal: () => AbortSignal;
  /** Headers to answer with. */
  headers: Record<string, string>;
}

/** What an operation knows of its call. */
export interface Context extends OpenContext {
  principal: Principal;
}

/** What an operation does. */
export type Handler<Input extends z.ZodType, Output extends z.ZodType, Call = Context> = (
  input: z.output<Input>,
  context: Call,
) => Promise<z.input<Output>>;

/** How REST reads and writes CSV in the place of an operation's JSON (`Operation.csv`). */
export interface CsvForm {
  /** The fields of the input that a body is. */
  read?: (text: string) => Record<string, unknown>;
  /** The lines of an answer; one with an `after` is a page, and the next follows. */
  write?: (output: never, isFirst: boolean) => string;
}

/** What REST and OpenAPI find on each tRPC procedure. */
export interface Implementation {
  operation: Operation;
  handler: (input: unknown, context: OpenContext) => Promise<unknown>;
  csv?: CsvForm;
}

const trpc = initTRPC.context<OpenContext>().meta<Implementation>().create();
export const router = trpc.router;

/** An operation that changes something: a tRPC mutation. */
export function mutation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output>,
  csv?: CsvForm,
) {
  const guarded = withAccess(operation, handler);
  return procedure(operation, guarded, csv).mutation(({ input, ctx }) =>
    guarded(input as z.output<Input>, ctx),
  );
}

/** An operation that only reads: a tRPC query. */
export function query<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output>,
  csv?: CsvForm,
) {
  const guarded = withAccess(operation, handler);
  return procedure(operation, guarded, csv).query(({ input, ctx }) => guarded(input as z.output<Input>, ctx));
}

/** A mutation that anyone may call, with credentials or without. */
export function openMutation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output, OpenContext>,
) {
  return procedure(operation, handler).mutation(({ input, ctx }) => handler(input as z.output<Input>, ctx));
}

/** Who is to be named in the audit trail for what this call changes. */
export function actorOf({ principal, address, requestId }: OpenContext): Actor {
  const { kind, id } = principal ?? { kind: 'anyone' as const, id: '' };
  const sessionId = principal?.kind === 'account' ? principal.sessionId : undefined;
  return {
    kind,
    id,
    ...(sessionId !== undefined && { sessionId }),
    // A recipient's address would outlive its erasure.
    address: kind === 'recipient' ? '' : address,
    requestId,
  };
}

/** What goes on record of a change to the instance, rather than to one of its projects. */
export function instanceChange(action: string, target: string, fields: string[] = []): Change {
  return { id: newId('audit'), projectId: null, action, target, fields };
}

function withAccess<Input extends z.ZodType, Output extends z.ZodType>(
  { name, access }: Operation<Input, Output>,
  handler: Handler<Input, Output>,
): Handler<Input, Output, OpenContext> {
  if (access === 'anyone') throw new Error(`${name} is open to anyone and must be declared as such`);
  return async (input, context) =>
    handler(input, { ...context, principal: requireAccess(context.principal, access) });
}

function procedure<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  handler: Handler<Input, Output, OpenContext>,
  csv?: CsvForm,
) {
  const { access } = operation;
  return (
    trpc.procedure
      .meta({ operation, handler: handler as Implementation['handler'], csv })
      // Before the input is looked at: who may not call learns nothing of what it would have to say.
      .use(({ ctx, next }) => {
        if (access !== 'anyone') requireAccess(ctx.principal, access);
        return next();
      })
      .input(operation.input)
  );
}
