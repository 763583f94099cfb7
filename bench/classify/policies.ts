// Policy sets to measure with: two kinds that are made from a seed, and files in ClassBench's manner.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Random } from '../../lab/random.js';
import { Address, Prefix } from '../../src/net/index.js';
import { ANY, matchOfPrefix, type Policy, type Range, type Selector } from '../../src/policy/index.js';

/** A named list of policies, the first of which is asked first. */
export interface PolicySet {
  readonly name: string;
  readonly policies: readonly Policy[];
}

/** Bindings of the router; every policy uses two of them. */
export const BIDS = [1, 2, 3, 4];

const PROTOCOLS = { icmp: 58, tcp: 6, udp: 17, esp: 50 } as const;
const DSCPS = [0, 8, 10, 18, 26, 34, 46];
const SERVICES = [22, 25, 53, 80, 123, 143, 389, 443, 445, 993, 1194, 3306, 3389, 5060, 5061, 8080, 8443];

const only = (value: number): Range[] => [{ low: value, high: value }];

function toPolicy(at: number, selector: Partial<Selector>): Policy {
  return {
    fid: at + 1,
    name: `p${at + 1}`,
    priority: at + 1,
    selector: { ...ANY, ...selector },
    action: { kind: 'use', bindings: [1 + (at % 4), 1 + ((at + 1) % 4)] },
    otherwise: 'next',
  };
}

function prefix(words: readonly number[], length: number): Prefix {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [at, word] of words.entries()) view.setUint16(2 * at, word & 0xffff);
  return Prefix.covering(Address.fromBytes(bytes), length);
}

/** The networks that a set speaks of: some sites, each with subnets and hosts. */
class Networks {
  readonly #random: Random;
  readonly #sites: number[][];

  constructor(random: Random, count: number) {
    this.#random = random;
    this.#sites = Array.from({ length: count }, () => [
      random.of([0x2001, 0x2400, 0x2600, 0x2a00, 0x2a02]),
      random.below(0x10000),
      random.below(0x10000),
    ]);
  }

  /** Of a site, a subnet or a host, in the given shares. */
  some(shares: readonly [length: number, share: number][]): Prefix {
    const random = this.#random;
    // Some sites are spoken of more than others.
    const site = random.of(this.#sites.slice(0, 1 + random.below(this.#sites.length)));
    let left = random.below(1000) / 1000;
    let length = 128;
    for (const [each, share] of shares) {
      left -= share;
      length = each;
      if (left < 0) break;
    }
    const host = [0, 0, random.below(4), random.below(0x400)];
    return prefix([...site, random.below(0x200), ...host], length);
  }
}

/** What routers are told: applications by port, classes of traffic by DSCP or mark, networks by prefix. */
export function routerMix(count: number, seed: number): PolicySet {
  const random = new Random(seed);
  const remote = new Networks(random, Math.max(8, count >> 4));
  const own = new Networks(random, 4);
  const policies: Policy[] = [];
  while (policies.length < count) {
    const selector: { -readonly [key in keyof Selector]?: Selector[key] } = {};
    const kind = random.below(100);
    if (kind < 60 || count > 1000) {
      selector.destination = matchOfPrefix(
        remote.some([
          [32, 0.02],
          [48, 0.28],
          [56, 0.15],
          [64, 0.35],
          [128, 0.2],
        ]),
      );
    }
    if (random.chance(0.3)) {
      selector.source = matchOfPrefix(
        own.some([
          [56, 0.2],
          [64, 0.6],
          [128, 0.2],
        ]),
      );
    }
    if (kind >= 40) {
      const protocol = random.of([PROTOCOLS.tcp, PROTOCOLS.udp]);
      selector.protocol = only(protocol);
      const port = random.of(SERVICES);
      const low = 1024 + random.below(60_000);
      selector.destinationPort = random.chance(0.8)
        ? only(random.chance(0.6) ? port : low)
        : [{ low, high: Math.min(65_535, low + random.of([1, 20, 1000, 16_383])) }];
    }
    if (kind < 15) selector.dscp = only(random.of(DSCPS));
    if (kind >= 90) selector.mark = { value: random.below(256), mask: 0xff };
    else if (kind >= 85) selector.mark = { value: random.below(16) << 8, mask: 0xf00 };
    policies.push(toPolicy(policies.length, selector));
  }
  return { name: `router-${count}`, policies };
}

/** Access control lists: pairs of nested prefixes, protocols, ranges of ports; narrow rules before wide ones. */
export function accessLists(count: number, seed: number): PolicySet {
  const random = new Random(seed);
  const sources = new Networks(random, Math.max(8, count >> 5));
  const destinations = new Networks(random, Math.max(8, count >> 5));
  const made = Array.from({ length: count }, () => {
    const source = sources.some([
      [0, 0.12],
      [32, 0.03],
      [48, 0.2],
      [56, 0.15],
      [64, 0.3],
      [128, 0.2],
    ]);
    const destination = destinations.some([
      [0, 0.04],
      [32, 0.03],
      [48, 0.18],
      [56, 0.15],
      [64, 0.3],
      [128, 0.3],
    ]);
    const selector: { -readonly [key in keyof Selector]?: Selector[key] } = {};
    if (source.length > 0) selector.source = matchOfPrefix(source);
    if (destination.length > 0) selector.destination = matchOfPrefix(destination);
    if (random.chance(0.85)) {
      const protocol = random.of([
        PROTOCOLS.tcp,
        PROTOCOLS.tcp,
        PROTOCOLS.udp,
        PROTOCOLS.icmp,
        PROTOCOLS.esp,
      ]);
      selector.protocol = only(protocol);
      if (protocol === PROTOCOLS.tcp || protocol === PROTOCOLS.udp) {
        const low = random.below(60_000);
        const ranges = [
          only(random.of(SERVICES)),
          only(random.below(65_536)),
          [{ low: 1024, high: 65_535 }],
          [{ low, high: low + random.below(5000) }],
        ];
        if (random.chance(0.75)) selector.destinationPort = random.of(ranges);
        if (random.chance(0.12)) selector.sourcePort = random.of(ranges);
      }
    }
    return { selector, wide: 256 - source.length - destination.length + random.below(64) };
  });
  made.sort((a, b) => a.wide - b.wide);
  return { name: `acl-${count}`, policies: made.map(({ selector }, at) => toPolicy(at, selector)) };
}

/** All `*.txt` and `*.txt.gz` of a folder, the small ones first. */
export function classBench(folder: string): PolicySet[] {
  const sets = readdirSync(folder)
    .filter((file) => /\.txt(\.gz)?$/.test(file))
    .map((file) => {
      const bytes = readFileSync(join(folder, file));
      const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
      const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
      return {
        name: basename(file).replace(/\.txt(\.gz)?$/, ''),
        policies: lines.map((line, at) => toPolicy(at, readRule(line, `${file}:${at + 1}`))),
      };
    });
  return sets.sort((a, b) => a.policies.length - b.policies.length || a.name.localeCompare(b.name));
}

/** `source destination source-ports destination-ports protocol`. */
function readRule(line: string, where: string): Partial<Selector> {
  const [source, destination, sourcePorts, destinationPorts, protocol] = line.trim().split(/\s+/);
  const ports = (text: string | undefined): Range[] | undefined => {
    const [low, high] = (text ?? '').split('-').map(Number);
    if (low === undefined || high === undefined || !(low <= high && high <= 65_535)) {
      throw new Error(`${where}: ${JSON.stringify(text)} is no range of ports`);
    }
    return low === 0 && high === 65_535 ? undefined : [{ low, high }];
  };
  const addresses = (text: string | undefined): Selector['source'] => {
    const parsed = Prefix.parse(text ?? '');
    return parsed.length === 0 ? undefined : matchOfPrefix(parsed);
  };
  if (protocol === undefined) throw new Error(`${where}: five fields are needed`);
  return {
    source: addresses(source),
    destination: addresses(destination),
    sourcePort: ports(sourcePorts),
    destinationPort: ports(destinationPorts),
    protocol: protocol === '-' ? undefined : only(Number(protocol)),
  };
}
