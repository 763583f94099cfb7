// A lab whose mobile router registers itself: its home agent's file knows the router and its key, and no binding.
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { run } from '../../../lab/command.js';
import type { DaemonConfig } from '../../../lab/daemon.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import type { LabProcess } from '../../../lab/process.js';
import { addresses, type Extras, type NodeName, prefixes } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import { makeRegistrationKey } from '../../../src/keys/index.js';
import type { AuthenticationKey } from '../../../src/mobility/index.js';
import { BID, homeAgent, mobileRouter, PATIENCE, type Site, withSite } from '../../support/site.js';

export interface RegistrationOptions extends Extras {
  /** Into the section of the mobile router. */
  readonly router?: object;
  /** Into that of the home agent. */
  readonly agent?: object;
  readonly mr?: DaemonConfig;
  readonly ha?: DaemonConfig;
  /** Into the home agent's entry of the router. */
  readonly entry?: object;
  /** What `withRegistration` does before the daemons are started. */
  prepare?(site: Site): Promise<void>;
}

/** A key file that the daemons may read; gone with the test. */
export function keyFile(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-registration-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'key');
  makeRegistrationKey(path);
  for (const each of [folder, path]) chownSync(each, DAEMON_USER, DAEMON_USER);
  return path;
}

/** What is in it; the daemons' reader takes no file that belongs to neither root nor whoever reads. */
export function keyIn(path: string): AuthenticationKey {
  const { spi, key } = parse(readFileSync(path, 'utf8')) as { spi: number; key: string };
  return { spi, key: Buffer.from(key, 'hex') };
}

export function routerConfig(
  key: string | undefined,
  { router = {}, mr = {} }: RegistrationOptions = {},
): DaemonConfig {
  const trust = key === undefined ? { unauthenticated: 'accept' } : { key };
  return mobileRouter({ registration: { ...trust, ...router }, ...mr });
}

export function agentConfig(
  key: string | undefined,
  { agent = {}, entry = {}, ha = {} }: RegistrationOptions = {},
): DaemonConfig {
  const trust = key === undefined ? {} : { key };
  const registration = { ...(key === undefined ? { unauthenticated: 'accept' } : {}), ...agent };
  const routers = [{ name: 'mr1', address: addresses.home, prefixes: [prefixes.mobile], ...trust, ...entry }];
  return homeAgent(1, { registration, routers, ...ha });
}

/** Runs a test with both ends started, the same key at both. */
export async function withKey(
  t: ExecutionContext,
  options: RegistrationOptions,
  body: (site: Site, key: string) => Promise<void>,
): Promise<void> {
  const key = keyFile(t);
  const { homeLink = false, thirdUplink = false } = options;
  const ends = { mr: routerConfig(key, options), ha: agentConfig(key, options), homeLink, thirdUplink };
  await withSite(t, ends, async (site) => body(site, key));
}

/** Where `withRegistration` records all mobility headers that pass a node. */
export function recordingOf(key: string, node: NodeName = 'core'): string {
  return join(key, '..', `${node}.pcap`);
}

/** The same; tshark has nothing to say against what they send. */
export async function withRegistration(
  t: ExecutionContext,
  options: RegistrationOptions,
  body: (site: Site, key: string) => Promise<void>,
): Promise<void> {
  const key = keyFile(t);
  const { homeLink = false, thirdUplink = false } = options;
  await withSite(t, { mr: null, ha: null, homeLink, thirdUplink }, async (site) => {
    const places: readonly (readonly [NodeName, string])[] = [
      ['core', 'ha0'],
      ...(homeLink ? [['hl', 'ha0'] as const] : []),
    ];
    const recordings = await Promise.all(
      places.map(([node, name]) => record(site, node, name, recordingOf(key, node))),
    );
    await options.prepare?.(site);
    // Not before: the first messages are recorded, too.
    await Promise.all([
      site.start('mr', routerConfig(key, options)),
      site.start('ha', agentConfig(key, options)),
    ]);
    await body(site, key);
    let all = 0;
    for (const recording of recordings) {
      await recording.end('SIGTERM');
      const { messages, malformed } = await judgedByTshark(recording.file);
      all += messages;
      t.deepEqual(malformed, []);
    }
    t.true(all > 0, 'there are messages');
  });
}

/** Both bindings at both ends. */
export async function registered(site: Site, careOfB: string = addresses.careOfB): Promise<void> {
  for (const daemon of [site.mr, site.ha]) {
    await site.state(BID.a, 'usable', { daemon, careOf: addresses.careOfA });
    await site.state(BID.b, 'usable', { daemon, careOf: careOfB });
  }
}

/** Resolves when the home agent has the flows of the router's policies, two of each: its first binding and its second. */
export async function flows(site: Site, policies = 2): Promise<void> {
  await until(async () => (await site.policies(site.ha)).length === 2 * policies, {
    what: `the flows of ${policies} policies at the home agent`,
    timeout: PATIENCE,
  });
}

/** All mobility headers in front of the home agent, into a file; those in a tunnel are Binding Refresh Requests. */
async function record(
  site: Site,
  node: NodeName,
  name: string,
  file: string,
): Promise<{ file: string; end: LabProcess['end'] }> {
  const mobility =
    'ip6[6] == 135 or (ip6[6] == 60 and ip6[40] == 135) or (ip6[6] == 43 and ip6[40] == 135) or ' +
    '(ip6[6] == 41 and ip6[46] == 135)';
  const words = ['-i', name, '-p', '-U', '--immediate-mode', '-n', '-Z', 'root', '-w', file, mobility];
  const process = site.node(node).spawn('tcpdump', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  await process.stderrMatch(/listening on/);
  return { file, end: (...how) => process.end(...how) };
}

/** A mobility message as tshark reads it. */
export interface RecordedMessage {
  readonly type: 'refresh-request' | 'update' | 'acknowledgement' | 'other';
  /** Of the innermost IPv6 header. */
  readonly source: string;
  /** Of its Binding Identifiers, in their order. */
  readonly bids: readonly number[];
  /** Of an update. */
  readonly sequence: number | undefined;
  /** Of an acknowledgement. */
  readonly status: number | undefined;
}

const TYPES = new Map([
  [0, 'refresh-request'],
  [5, 'update'],
  [6, 'acknowledgement'],
] as const);

/** What a node has recorded so far, oldest first. @throws CommandError where the last packet is not whole yet */
export async function recordedMessages(key: string, node: NodeName = 'core'): Promise<RecordedMessage[]> {
  const packets = await fieldsOf(recordingOf(key, node), [
    ...['mip6.mhtype', 'ipv6.src', 'mip6.bi.bid', 'mip6.bu.seqnr', 'mip6.ba.status'],
  ]);
  return packets.map((fields) => {
    const numbers = (name: string): number[] => (fields[name] ?? []).map(Number);
    const [type = Number.NaN] = numbers('mip6.mhtype');
    return {
      type: TYPES.get(type as 0) ?? 'other',
      source: fields['ipv6.src']?.at(-1) ?? '',
      bids: numbers('mip6.bi.bid'),
      sequence: numbers('mip6.bu.seqnr')[0],
      status: numbers('mip6.ba.status')[0],
    };
  });
}

async function judgedByTshark(file: string): Promise<{ messages: number; malformed: string[] }> {
  const packets = await fieldsOf(file, ['mip6.mhtype', '_ws.malformed']);
  return {
    messages: packets.filter((fields) => fields['mip6.mhtype']).length,
    malformed: packets.flatMap((fields) => fields['_ws.malformed'] ?? []),
  };
}

/** Fields of all packets of a recording, each with all its values. */
async function fieldsOf(file: string, names: readonly string[]): Promise<Record<string, string[]>[]> {
  const wanted = names.flatMap((name) => ['-e', name]);
  const { stdout } = await run('tshark', ['-r', file, '-T', 'json', ...wanted]);
  const packets = JSON.parse(stdout) as { _source: { layers: Record<string, string[]> } }[];
  return packets.map(({ _source }) => _source.layers);
}
