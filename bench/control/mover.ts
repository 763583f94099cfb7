// Runs in the network namespace of the mobile router and changes its addresses; prints one JSON value at its end.
//
//   mover.js change INTERFACE COUNT SINK nodad|dad|optimistic   care-of address changes: milliseconds of each, from
//                                                 before the kernel is told of the address to the first packet
//   mover.js churn INTERFACE RATE SECONDS         adds and deletes one address RATE times a second
import { setTimeout as delay } from 'node:timers/promises';
import { Netlink } from '../../src/netlink/index.js';
import { StampedSink } from './stamps.js';

const PREFIX_LENGTH = 64;
/** The address of the lab, and one beside it. */
const CARE_OF = ['2001:db8:a::2', '2001:db8:a::3'] as const;
const PASSING = '2001:db8:b::77';
/** Between two changes, milliseconds: the daemon is done with the last one. */
const PAUSE = 5;
const PATIENCE = 10_000;
/** A change is measured again when there was no packet for so long, nanoseconds: the sender did not run.
 * Detection takes so long that it does not matter there. */
const PAUSED = 300_000n;

/** A sender that pauses in more than this part of the changes cannot be measured with. */
const MOST_UNMEASURED = 1;

export interface Changes {
  /** Milliseconds of each. */
  readonly times: readonly number[];
  /** Changes in which the sender paused, beside those. */
  readonly unmeasured: number;
}

async function indexOf(netlink: Netlink, name: string): Promise<number> {
  const link = await netlink.getLink(name);
  if (link === undefined) throw new Error(`there is no interface ${name}`);
  return link.ifindex;
}

async function change(name: string, count: number, sinkPin: string, detection: string): Promise<Changes> {
  using netlink = Netlink.open();
  using sink = new StampedSink(sinkPin);
  const ifindex = await indexOf(netlink, name);
  const place = { ifindex, prefixLength: PREFIX_LENGTH };
  const times: number[] = [];
  const noDad = detection === 'nodad';
  const there = (await netlink.dumpAddresses({ ifindex })).map(({ address }) => address.toString());
  let [old, next]: readonly [string, string] = there.includes(CARE_OF[0])
    ? CARE_OF
    : [CARE_OF[1], CARE_OF[0]];
  let unmeasured = 0;
  while (times.length < count && unmeasured <= MOST_UNMEASURED * count) {
    const before = sink.read().changes;
    // The old address stays valid, so that nothing is lost on its account.
    await netlink.addAddress({
      ...place,
      address: old,
      preferredLifetime: 0,
      validLifetime: 3600,
      mode: 'replace',
    });
    const start = process.hrtime.bigint();
    await netlink.addAddress({ ...place, address: next, noDad, optimistic: detection === 'optimistic' });
    const until = performance.now() + PATIENCE;
    let stamps = sink.read();
    while (stamps.changes === before) {
      if (performance.now() > until) throw new Error(`no packet from ${next} within ${PATIENCE} ms`);
      await delay(1);
      stamps = sink.read();
    }
    if (!noDad || stamps.changed - stamps.before < PAUSED) times.push(Number(stamps.changed - start) / 1e6);
    else unmeasured++;
    await netlink.deleteAddress({ ...place, address: old });
    [old, next] = [next, old];
    await delay(PAUSE);
  }
  return { times, unmeasured };
}

async function churn(name: string, rate: number, seconds: number): Promise<number> {
  using netlink = Netlink.open();
  const address = { ifindex: await indexOf(netlink, name), prefixLength: PREFIX_LENGTH, address: PASSING };
  const start = performance.now();
  let done = 0;
  for (let elapsed = 0; elapsed < seconds * 1000; elapsed = performance.now() - start) {
    for (; done < (elapsed * rate) / 1000; done++) {
      if (done % 2 === 0) await netlink.addAddress({ ...address, noDad: true });
      else await netlink.deleteAddress(address);
    }
    await delay(1);
  }
  if (done % 2 === 1) await netlink.deleteAddress(address);
  return (1000 * done) / (performance.now() - start);
}

const [command, name = '', first = '', second = '', third = ''] = process.argv.slice(2);
if (command !== 'change' && command !== 'churn') throw new Error('usage: mover.js change|churn ...');
const said =
  command === 'change'
    ? await change(name, Number(first), second, third)
    : await churn(name, Number(first), Number(second));
process.stdout.write(JSON.stringify(said));
