// Shortages of the machine. Each is taken away before its event ends, and the daemons are to be as before: by
// themselves where the process goes on, by an ordinary start where it cannot.
import type { LabDaemon } from '../daemon.js';
import {
  fillUp,
  idleConnections,
  limitDescriptors,
  type Relief,
  readOnly,
  underDescriptorLimit,
} from '../faults.js';
import { MemoryGroup } from '../memory-group.js';
import type { SoakEvent } from './event.js';
import type { World } from './world.js';

/** Descriptors with which a daemon cannot start: more than Node needs, fewer than the maps do. */
const TOO_FEW = 40;

async function during(fault: Promise<Relief>, action: () => Promise<void>): Promise<void> {
  const relieve = await fault;
  try {
    await action();
  } finally {
    await relieve();
  }
}

/** A start that has to fail with these words in the log. */
async function refused(world: World, daemon: LabDaemon, words: string, under: string[] = []): Promise<void> {
  const log = world.logOf(daemon);
  const started = await daemon.start({ under }).then(
    () => true,
    () => false,
  );
  if (started) throw new Error(`the daemon on ${daemon.node.name} started although it could not: ${words}`);
  await log.says(words);
}

function insistOn(daemon: LabDaemon): void {
  if (daemon.exit !== undefined) throw new Error(`the daemon on ${daemon.node.name} has ended`);
}

const descriptorsGone: SoakEvent = {
  name: 'no descriptors left',
  tally: ['faults'],
  endsProcess: false,
  happen: async (world) => {
    const daemon = world.random.of(world.daemons);
    const spare = world.random.below(3);
    const log = world.logOf(daemon);
    await during(limitDescriptors(daemon.pid, spare), async () => {
      await during(idleConnections(daemon.socket, spare + 1), async () => {
        await log.says('EMFILE');
        // What needs a descriptor is refused, at most; the answer does not matter, the daemon does.
        await daemon.api('POST', '/v1/reload').catch(() => undefined);
        if (daemon === world.mr) await world.changeCareOf(world.anyUplink(), true);
        else await world.roundTrip();
      });
    });
    insistOn(daemon);
    await world.recovered(daemon, 'EMFILE');
  },
};

const startedWithoutDescriptors: SoakEvent = {
  name: 'started without enough descriptors',
  tally: ['faults', 'kills'],
  endsProcess: true,
  happen: async (world) => {
    const daemon = world.random.of(world.daemons);
    await daemon.kill('SIGKILL');
    await refused(world, daemon, 'LimitNOFILE', underDescriptorLimit(TOO_FEW));
    await daemon.start();
  },
};

const stateFull: SoakEvent = {
  name: 'state directory full',
  tally: ['faults', 'reloads'],
  endsProcess: false,
  happen: async (world) => {
    await during(fillUp(world.lab.runtime), async () => {
      await world.mr.reload(world.otherPolicies());
      await world.changeCareOf(world.anyUplink());
    });
  },
};

const killedWhileFull: SoakEvent = {
  name: 'killed while the state directory is full',
  tally: ['faults', 'kills'],
  endsProcess: true,
  happen: async (world) => {
    const daemon = world.random.of(world.daemons);
    await during(fillUp(world.lab.runtime), async () => {
      await daemon.kill('SIGKILL');
      // The files of the killed one are there and serve the next.
      await daemon.start();
    });
    await daemon.stop();
    await during(fillUp(world.lab.runtime), () => refused(world, daemon, 'LOCK_FAILED'));
    await daemon.start();
  },
};

const bpffsReadOnly: SoakEvent = {
  name: 'BPF file system read-only',
  tally: ['faults', 'reloads'],
  endsProcess: false,
  happen: async (world) => {
    const logs = world.daemons.map((daemon) => world.logOf(daemon));
    await during(readOnly(world.lab.bpffs), async () => {
      await Promise.all(logs.map((log) => log.says('EROFS')));
      await world.mr.reload(world.otherPolicies());
      await world.changeCareOf(world.anyUplink());
    });
    for (const daemon of world.daemons) {
      insistOn(daemon);
      await world.recovered(daemon, 'EROFS');
    }
  },
};

const restartedWhileReadOnly: SoakEvent = {
  name: 'killed while the BPF file system is read-only',
  tally: ['faults', 'kills'],
  endsProcess: true,
  happen: async (world) => {
    const daemon = world.random.of(world.daemons);
    await during(readOnly(world.lab.bpffs), async () => {
      await daemon.kill('SIGKILL');
      await refused(world, daemon, 'EROFS');
    });
    await daemon.start();
  },
};

/** At its limit first, where it may be slow or be killed; then far below what it needs, where it is killed. */
const outOfMemory: SoakEvent = {
  name: 'out of memory',
  tally: ['faults', 'kills'],
  endsProcess: true,
  happen: async (world) => {
    const daemon = world.random.of(world.daemons);
    const group = MemoryGroup.create(world.lab.name);
    await daemon.stop();
    await daemon.start({ under: group.words });
    const before = group.killed;
    await during(limited(group, group.used + 128 * 1024), async () => {
      for (let i = 0; i < 3; i++) await daemon.api('POST', '/v1/reload').catch(() => undefined);
      // Every request wants some memory.
      for (let i = 0; i < 500 && daemon.exit === undefined; i++) {
        group.limit(group.used / 4);
        await daemon.api('GET', '/v1/maps/cx_reasons').catch(() => undefined);
      }
      await daemon.ended();
    });
    if (group.killed === before) throw new Error(`the daemon on ${daemon.node.name} ended of something else`);
    await daemon.start();
  },
};

async function limited(group: MemoryGroup, bytes: number): Promise<Relief> {
  group.limit(bytes);
  return async () => group.limit(undefined);
}

/** Events that this machine cannot have, each with the reason. */
export const impossibleEvents: ReadonlyMap<string, string> = new Map(
  [[outOfMemory.name, MemoryGroup.obstacle()] as const].flatMap(([name, why]) =>
    why === undefined ? [] : [[name, why] as const],
  ),
);

export const faultEvents: readonly SoakEvent[] = [
  descriptorsGone,
  startedWithoutDescriptors,
  stateFull,
  killedWhileFull,
  bpffsReadOnly,
  restartedWhileReadOnly,
  outOfMemory,
].filter(({ name }) => !impossibleEvents.has(name));
