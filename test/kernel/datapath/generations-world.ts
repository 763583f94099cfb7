/** Three policy tables that send the same three flows by one binding each, and never by the default. */
import type { Policy, RouterPolicySet } from '../../../src/policy/index.js';
import { Next } from '../../support/packet.js';
import { mobileRow, mobileWorld, selectorOf } from './worlds.js';

/** What carries the flows in each table. */
export const CARRIERS = ['A', 'B', 'C'] as const;
/** The flows that change their binding with the table, and the one that stays. */
export const PORTS = [2000, 2001, 2002] as const;
export const STEADY_PORT = 2003;
export const STEADY_FID = 4;

const BIDS = { A: 1, B: 2, C: 3, D: 4 } as const;

/** Policies in front that match nothing: in each table the ones that match stand somewhere else. */
const FILLERS = [0, 900, 450];
const UNUSED_PORT = 9;

function policy(fid: number, priority: number, port: number, bid: number): Policy {
  return {
    fid,
    name: `p${fid}`,
    priority,
    selector: selectorOf({ protocol: Next.UDP, destinationPort: { low: port, high: port } }),
    action: { kind: 'use', bindings: [bid] },
    otherwise: 'next',
  };
}

function table(number: number): RouterPolicySet {
  const carrier = CARRIERS[number] ?? 'D';
  const matching = PORTS.map((port, at) => policy(at + 1, 2000 + at, port, BIDS[carrier]));
  const steady = policy(STEADY_FID, 1000 + number * 1003, STEADY_PORT, BIDS.D);
  const fillers = Array.from({ length: FILLERS[number] ?? 0 }, (_, at) =>
    policy(100 + at, 1 + at, UNUSED_PORT, BIDS.D),
  );
  return {
    routerId: 1,
    policies: [...fillers, ...matching, steady],
    bindings: [{ bid: 5, priority: 1 }, ...Object.values(BIDS).map((bid) => ({ bid, priority: 10 + bid }))],
  };
}

/** The tables in the order in which they are made active, over and over: of the two slots each gets all. */
export const TABLES: readonly RouterPolicySet[] = CARRIERS.map((_, number) => table(number));

/** The first table, and a binding E for what no policy decides. */
export const world = {
  ...mobileWorld(),
  bindings: [
    ...(['A', 'B', 'C', 'D'] as const).map((uplink) => ({
      router: 1,
      bid: BIDS[uplink],
      row: mobileRow(uplink),
    })),
    { router: 1, bid: 5, row: mobileRow('D', { outerSource: '2001:db8:e::1' }) },
  ],
  routers: TABLES.slice(0, 1),
};
