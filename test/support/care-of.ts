// An uplink that is to have its own address again, and no other.
import type { Uplink } from '../../lab/lab.js';
import { addresses } from '../../lab/topology.js';
import { BID, type Site } from './site.js';

const CARE_OF: Readonly<Record<Uplink, string>> = { a: addresses.careOfA, b: addresses.careOfB };

/** Undoes what a test has done with the addresses of an uplink, at both ends. */
export async function giveBackCareOf(site: Site, uplink: Uplink): Promise<void> {
  const [careOf, bid] = [CARE_OF[uplink], BID[uplink]];
  const mr = site.node('mr');
  await mr.ip(`-6 address flush dev w${uplink} scope global`);
  await mr.ip(`address add ${careOf}/64 dev w${uplink} nodad`);
  await site.setBinding(bid, { careOf }, { daemon: site.ha });
  await site.state(bid, 'usable', { careOf });
}
