import { type Channel, channels, type Lane, lanes } from '@tidings/contracts';
import { and, count, eq, lte, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { listValues } from '../prepared.ts';

/** A project's part in a lane. */
export interface ProjectState {
  projectId: string;
  /** Its due messages that have a job. */
  inQueue: number;
  /** Whether due messages of it wait in SQL: the relay has work here. */
  backlog: boolean;
}

export interface LaneState {
  channel: Channel;
  lane: Lane;
  /** Due messages that have a job. */
  inQueue: number;
  /** Those that have a job, and those that were found waiting. */
  projects: ProjectState[];
  /** The project at which the walk over those that wait was cut short; empty when it came to its end. */
  seenTo: string;
}

const all = channels.flatMap((channel) => lanes.map((lane) => ({ channel, lane })));

/** Projects with messages in SQL that one look walks over, for each channel and lane. */
const projectsAtOnce = 200;

/**
 * How full the window of every channel and lane is, and whose messages wait behind it; of a channel the most urgent
 * lane first. A walk that was cut short goes on where it stood in `previous`, so that each project has its turn
 * however many there are. It is asked several times a second by every process, so its statements are prepared.
 */
export async function laneStates(
  database: Database,
  options: { lookaheadMs: number; previous?: LaneState[]; atOnce?: number },
): Promise<LaneState[]> {
  const { lookaheadMs, previous = [], atOnce = projectsAtOnce } = options;
  const from = all.map((of) => previous.find((state) => isOf(state, of))?.seenTo ?? '');
  const counts = await database.read(countWindow(database, lookaheadMs));
  const walked = await database.read(walkProjects(database, { from, lookaheadMs, atOnce }));
  return all.map((of) => {
    const theirs = walked.filter((row) => isOf(row, of));
    const projects = new Map(
      counts
        .filter((row) => isOf(row, of))
        .map(({ projectId, inQueue }) => [projectId, { projectId, inQueue, backlog: false }]),
    );
    for (const { projectId, isDue } of theirs) {
      if (isDue)
        projects.set(projectId, { projectId, inQueue: 0, ...projects.get(projectId), backlog: true });
    }
    return {
      ...of,
      inQueue: [...projects.values()].reduce((sum, { inQueue }) => sum + inQueue, 0),
      projects: [...projects.values()],
      seenTo: theirs.length < atOnce ? '' : (theirs.at(-1)?.projectId ?? ''),
    };
  });
}

function isOf(one: { channel: Channel; lane: Lane }, other: { channel: Channel; lane: Lane }): boolean {
  return one.channel === other.channel && one.lane === other.lane;
}

function countWindow(database: Database, lookaheadMs: number) {
  const { messages } = database.tables;
  const build = () =>
    database.handle
      .select({
        channel: messages.channel,
        lane: messages.lane,
        projectId: messages.projectId,
        inQueue: count(),
      })
      .from(messages)
      .where(
        and(
          eq(messages.place, 'queue'),
          lte(messages.dueAt, sql`${database.now} + ${sql.placeholder('lookaheadMs')}`),
        ),
      )
      .groupBy(messages.channel, messages.lane, messages.projectId);
  return database.prepared(database.handle, 'count_window', build, { lookaheadMs });
}

/**
 * The projects of each lane that have messages in SQL, by their ids: a loose index scan, which neither dialect makes
 * by itself. From project to project it is one search of the index, however much each has waiting.
 */
function walkProjects(database: Database, options: { from: string[]; lookaheadMs: number; atOnce: number }) {
  const { messages } = database.tables;
  const { from, lookaheadMs, atOnce } = options;
  const build = () => {
    const starts = all.map(
      ({ channel, lane }, index) =>
        sql`(${sql.raw(`'${channel}', '${lane}'`)}, ${sql.placeholder(`from${index}`)}, 0)`,
    );
    const ofLane = sql`${messages.place} = 'store' and ${messages.channel} = hop.channel and ${messages.lane} = hop.lane`;
    const nextProject = sql`
      select ${messages.projectId} from ${messages} where ${ofLane} and ${messages.projectId} > hop.project_id
      order by ${messages.projectId} limit 1`;
    const firstDue = sql`
      select ${messages.dueAt} from ${messages} where ${ofLane} and ${messages.projectId} = hop.project_id
      order by ${messages.dueAt} limit 1`;
    const walk = sql`
      with recursive hop(channel, lane, project_id, number) as (
        values ${sql.join(starts, sql`, `)}
        union all
        select channel, lane, (${nextProject}), number + 1 from hop
        where project_id is not null and number < ${sql.placeholder('atOnce')}
      )
      select channel, lane, project_id,
        (${firstDue}) <= ${database.now} + ${sql.placeholder('lookaheadMs')} as is_due
      from hop where number > 0 and project_id is not null`;
    return database.handle
      .select({
        channel: sql<Channel>`channel`,
        lane: sql<Lane>`lane`,
        projectId: sql<string>`project_id`,
        isDue: sql<boolean>`is_due`.mapWith(Boolean),
      })
      .from(sql`(${walk}) as walked`)
      .orderBy(sql`project_id`);
  };
  return database.prepared(database.handle, 'walk_projects', build, {
    ...listValues('from', from),
    lookaheadMs,
    atOnce,
  });
}
