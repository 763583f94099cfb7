// What happens to the daemons.
import { ROUTER } from '../demo/config.js';
import type { SoakEvent } from './event.js';
import { BID, type World } from './world.js';

type Side = 'mr' | 'ha';

const SIDES = { mr: 'mobile router', ha: 'home agent' } as const;

function killed(side: Side): SoakEvent {
  return {
    name: `${SIDES[side]} killed`,
    tally: ['kills'],
    endsProcess: true,
    happen: async (world) => {
      await world[side].kill('SIGKILL');
      await world[side].start();
    },
  };
}

/** The next process loads its programs anew and exchanges those that run. */
function restarted(side: Side): SoakEvent {
  return {
    name: `${SIDES[side]} restarted`,
    tally: [],
    endsProcess: true,
    happen: async (world) => {
      await world[side].restart();
    },
  };
}

/** The next process has other rows, and takes over from the older state. */
function upgraded(side: Side): SoakEvent {
  return {
    name: `${SIDES[side]} upgraded`,
    tally: ['upgrades'],
    endsProcess: true,
    happen: async (world) => {
      await world.upgrade(world[side]);
    },
  };
}

const reloaded: SoakEvent = {
  name: 'policies reloaded',
  tally: ['reloads'],
  endsProcess: false,
  happen: async (world) => {
    await world.mr.reload(world.otherPolicies());
  },
};

const takenOut: SoakEvent = {
  name: 'binding taken out and given back',
  tally: ['flaps'],
  endsProcess: false,
  happen: async (world) => {
    const bid = String(BID[world.anyUplink()]);
    for (const state of ['--down', '--up']) {
      await world.mr.coax(['binding', 'set', '--bid', bid, state]);
      await world.ha.coax(['binding', 'set', '--router', ROUTER, '--bid', bid, state]);
    }
  },
};

/** The mobile router may not read while so many addresses come and go; each makes four messages, some 4 KB of memory. */
async function unread(world: World, count: number): Promise<void> {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    lines.push(`address add 2001:db8:5000::${i.toString(16)}/128 dev lo nodad`);
    lines.push(`address del 2001:db8:5000::${i.toString(16)}/128 dev lo`);
  }
  await world.mr.kill('SIGSTOP');
  try {
    await world.mr.node.batch(lines);
  } finally {
    await world.mr.kill('SIGCONT');
  }
}

/** They fit into the receive buffer, and what comes next waits behind them. */
const backlogEvent: SoakEvent = {
  name: 'netlink backlog',
  tally: [],
  endsProcess: false,
  happen: (world) => unread(world, 2_000),
};

/** They do not fit. */
const overrunEvent: SoakEvent = {
  name: 'netlink overrun',
  tally: ['overruns'],
  endsProcess: false,
  happen: async (world) => {
    const log = world.logOf(world.mr);
    await unread(world, 6_000);
    await log.says('kernel messages were lost');
  },
};

export const daemonEvents: readonly SoakEvent[] = [
  killed('mr'),
  killed('ha'),
  restarted('mr'),
  restarted('ha'),
  upgraded('mr'),
  upgraded('ha'),
  reloaded,
  takenOut,
  backlogEvent,
  overrunEvent,
];
