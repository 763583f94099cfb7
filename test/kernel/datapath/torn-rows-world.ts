/** Two bindings with two rows each: source and MACs all tell which row it is. */
import type { CxBinding } from '../../../src/datapath/index.js';
import { BID, CARE_OF, mobileRow, uplinkMacs } from './worlds.js';

function row(uplink: 'A' | 'B', variant: 0 | 1): CxBinding {
  const { source, destination } = uplinkMacs(uplink);
  return {
    ...mobileRow(uplink),
    router: 1,
    bid: BID[uplink],
    outerSource: CARE_OF[uplink].replace(/1$/, `${variant + 1}`),
    nextHopMac: destination.replace(/fe$/, `f${variant}`),
    ownMac: source.replace(/01$/, `0${variant}`),
  };
}

/** The rows by binding. */
export const ROWS: Readonly<Record<'A' | 'B', readonly [CxBinding, CxBinding]>> = {
  A: [row('A', 0), row('A', 1)],
  B: [row('B', 0), row('B', 1)],
};
