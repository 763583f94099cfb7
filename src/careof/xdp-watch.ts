import { isDeepStrictEqual } from 'node:util';
import type { Datapath } from '../datapath/index.js';
import { type Link, type Netlink, XdpFeatureReader } from '../netlink/index.js';
import type { Firewall } from './forwarding.js';
import type { XdpFacts } from './xdp.js';

/** What is read here. */
type ReadFacts = Omit<XdpFacts, 'firewall'>;

const NOTHING: ReadFacts = { features: undefined, qdiscs: new Map(), watched: new Set(), foreign: new Map() };

/** Where facts are read from. */
interface Sources {
  readonly netlink: Pick<Netlink, 'dumpQdiscs' | 'dumpFilters'>;
  readonly datapath: Pick<Datapath, 'attachments' | 'xdp'>;
  readonly firewall: { readonly firewall: Firewall };
}

/**
 * What drivers, queues and programs of others allow XDP on some links. The kernel announces little of it, so it is
 * looked at by the audit, and by a run that meets a link which it has not seen before.
 */
export class XdpWatch implements Disposable {
  readonly #sources: Sources;
  readonly #onChange: () => void;
  readonly #features = new XdpFeatureReader();
  #facts = NOTHING;
  #seen: ReadonlySet<number> = new Set();

  /** @param onChange called when a refresh found other facts */
  constructor(sources: Sources, onChange: () => void) {
    this.#sources = sources;
    this.#onChange = onChange;
  }

  get facts(): XdpFacts {
    return { ...this.#facts, firewall: this.#sources.firewall.firewall };
  }

  /** Reads the facts where a link is new. @throws NetlinkError, BpfError */
  async meet(links: readonly Link[]): Promise<void> {
    if (links.some(({ ifindex }) => !this.#seen.has(ifindex))) await this.#read(links);
  }

  /** Reads the facts again. @throws NetlinkError, BpfError */
  async audit(links: readonly Link[]): Promise<void> {
    const before = this.#facts;
    await this.#read(links);
    if (!isDeepStrictEqual(before, this.#facts)) this.#onChange();
  }

  [Symbol.dispose](): void {
    this.#features[Symbol.dispose]();
  }

  async #read(links: readonly Link[]): Promise<void> {
    const { netlink, datapath } = this.#sources;
    const qdiscs = new Map<number, string[]>();
    for (const { ifindex, kind } of await netlink.dumpQdiscs()) {
      qdiscs.set(ifindex, [...(qdiscs.get(ifindex) ?? []), kind]);
    }
    const watched = new Set<number>();
    const foreign = new Map<number, number>();
    for (const { ifindex } of links) {
      const filters = qdiscs.get(ifindex)?.includes('clsact')
        ? await netlink.dumpFilters(ifindex, 'egress')
        : [];
      if (filters.length > 0 || datapath.attachments.othersAtEgress(ifindex)) watched.add(ifindex);
      const program = datapath.xdp.foreignOn(ifindex);
      if (program !== undefined) foreign.set(ifindex, program);
    }
    const known = new Set(links.map(({ ifindex }) => ifindex));
    const features = await this.#features.read();
    this.#facts = {
      features: features && new Map([...features].filter(([ifindex]) => known.has(ifindex))),
      qdiscs: new Map([...qdiscs].filter(([ifindex]) => known.has(ifindex))),
      watched,
      foreign,
    };
    this.#seen = known;
  }
}
