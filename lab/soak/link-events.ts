// What happens to addresses, neighbours and links.
import type { Uplink } from '../lab.js';
import type { SoakEvent } from './event.js';
import type { World } from './world.js';

function careOfChanged(uplink: Uplink): SoakEvent {
  return {
    name: `care-of address of uplink ${uplink.toUpperCase()} changed`,
    tally: ['flaps'],
    endsProcess: false,
    happen: (world) => world.changeCareOf(uplink),
  };
}

const flushed: SoakEvent = {
  name: 'neighbours flushed',
  tally: ['flaps'],
  endsProcess: false,
  happen: async (world) => {
    await world.lab.node('mr').ip(`-6 neigh flush dev w${world.anyUplink()}`);
  },
};

/** Where a link is cut: at the mobile router itself, or at the other end of it, so that its carrier is lost. */
type End = 'interface' | 'carrier';

async function setLink(world: World, uplink: Uplink, end: End, up: boolean): Promise<void> {
  const { lab } = world;
  if (end === 'carrier') {
    await lab.node(uplink === 'a' ? 'ra' : 'rb').ip(`link set mr0 ${up ? 'up' : 'down'}`);
  }
  if (up) await lab.uplinkUp(uplink);
  else if (end === 'interface') await lab.uplinkDown(uplink);
}

/**
 * The mobile router leaves by itself; the home agent is told, as registration would, by the link that is left. What
 * was on the link is lost, and counted apart; what comes after, and the way back, loses nothing.
 */
function cut(end: End): SoakEvent {
  return {
    name: end === 'carrier' ? 'carrier of an uplink lost' : 'uplink set down',
    tally: ['flaps', 'cuts'],
    endsProcess: false,
    happen: async (world) => {
      const uplink = world.anyUplink();
      await world.account.cut(uplink, async () => {
        await setLink(world, uplink, end, false);
        await world.binding(world.mr, uplink, ({ state }) => state !== 'usable');
        await world.tellHomeAgent(uplink, { down: true });
      });
      await setLink(world, uplink, end, true);
      await world.binding(
        world.mr,
        uplink,
        ({ state, nextHopMac }) => state === 'usable' && nextHopMac !== null,
      );
      await world.linked(uplink);
      await world.tellHomeAgent(uplink, { down: false });
    },
  };
}

export const linkEvents: readonly SoakEvent[] = [
  careOfChanged('a'),
  careOfChanged('b'),
  flushed,
  cut('interface'),
  cut('carrier'),
];
