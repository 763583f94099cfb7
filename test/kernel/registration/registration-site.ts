// A lab whose mobile router registers itself: its home agent's file knows the router and its key, and no binding.
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { run } from '../../../lab/command.js';
import type { DaemonConfig } from '../../../lab/daemon.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import type { LabProcess } from '../../../lab/process.js';
import { addresses, type NodeName, prefixes } from '../../../lab/topology.js';
import { makeRegistrationKey } from '../../../src/keys/index.js';
import { homeAgent, mobileRouter, type Site, withSite } from '../../support/site.js';

export interface RegistrationOptions {
  /** Into the section of the mobile router. */
  readonly router?: object;
  /** Into that of the home agent. */
  readonly agent?: object;
  readonly mr?: DaemonConfig;
  readonly ha?: DaemonConfig;
  /** Mobile router and home agent are on the home link, too. */
  readonly homeLink?: boolean;
  /** Into the home agent's entry of the router. */
  readonly entry?: object;
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

/** Runs a test with both ends started, the same key at both; tshark has nothing to say against what they send. */
export async function withRegistration(
  t: ExecutionContext,
  options: RegistrationOptions,
  body: (site: Site, key: string) => Promise<void>,
): Promise<void> {
  const key = keyFile(t);
  const { homeLink = false } = options;
  const ends = { mr: routerConfig(key, options), ha: agentConfig(key, options), homeLink };
  await withSite(t, ends, async (site) => {
    const places = [['core', 'ha0'], ...(homeLink ? [['hl', 'ha0']] : [])] as const;
    const recordings = await Promise.all(
      places.map(([node, name]) =>
        record(site, node as NodeName, name as string, join(key, '..', `${node}.pcap`)),
      ),
    );
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

/** All mobility headers in front of the home agent, into a file. */
async function record(
  site: Site,
  node: NodeName,
  name: string,
  file: string,
): Promise<{ file: string; end: LabProcess['end'] }> {
  const mobility = 'ip6[6] == 135 or (ip6[6] == 60 and ip6[40] == 135) or (ip6[6] == 43 and ip6[40] == 135)';
  const words = ['-i', name, '-p', '-U', '--immediate-mode', '-n', '-Z', 'root', '-w', file, mobility];
  const process = site.node(node).spawn('tcpdump', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  await process.stderrMatch(/listening on/);
  return { file, end: (...how) => process.end(...how) };
}

async function judgedByTshark(file: string): Promise<{ messages: number; malformed: string[] }> {
  const { stdout } = await run('tshark', [
    '-r',
    file,
    '-T',
    'json',
    '-e',
    'mip6.mhtype',
    '-e',
    '_ws.malformed',
  ]);
  const packets = JSON.parse(stdout) as { _source: { layers: Record<string, string[]> } }[];
  const layers = packets.map(({ _source }) => _source.layers);
  return {
    messages: layers.filter((each) => each['mip6.mhtype']).length,
    malformed: layers.flatMap((each) => each['_ws.malformed'] ?? []),
  };
}
