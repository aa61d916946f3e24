/** What a process of the benchmark can be asked to do, by name. */
export type Commands = Record<string, (argument: never) => unknown>;

/** A command on its way to the process. */
export interface CommandCall {
  call: number;
  name: string;
  argument: unknown;
}

/** What became of it. */
export interface CommandReply {
  call: number;
  value?: unknown;
  error?: string;
}

/** Answers the commands of the process that started this one, and ends with it. */
export function answerCommands(commands: Commands): void {
  process.on('message', async ({ call, name, argument }: CommandCall) => {
    try {
      const command = commands[name] as ((argument: unknown) => unknown) | undefined;
      if (command === undefined) throw new Error(`no command ${name}`);
      reply({ call, value: await command(argument) });
    } catch (error) {
      reply({ call, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}

function reply(message: CommandReply): void {
  process.send?.(message);
}
