// A lab whose mobile router registers itself: its home agent's file knows the router and its key, and no binding.
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { run } from '../../../lab/command.js';
import type { DaemonConfig } from '../../../lab/daemon.js';
import { DAEMON_USER } from '../../../lab/privileges.js';
import type { LabProcess } from '../../../lab/process.js';
import { addresses, prefixes } from '../../../lab/topology.js';
import { makeRegistrationKey } from '../../../src/keys/index.js';
import { homeAgent, mobileRouter, type Site, withSite } from '../../support/site.js';

export interface RegistrationOptions {
  /** Into the section of the mobile router. */
  readonly router?: object;
  /** Into that of the home agent. */
  readonly agent?: object;
  readonly mr?: DaemonConfig;
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
  { agent = {}, entry = {} }: RegistrationOptions = {},
): DaemonConfig {
  const trust = key === undefined ? {} : { key };
  const registration = { ...(key === undefined ? { unauthenticated: 'accept' } : {}), ...agent };
  const routers = [{ name: 'mr1', address: addresses.home, prefixes: [prefixes.mobile], ...trust, ...entry }];
  return homeAgent(1, { registration, routers });
}

/** Runs a test with both ends started, the same key at both; tshark has nothing to say against what they send. */
export async function withRegistration(
  t: ExecutionContext,
  options: RegistrationOptions,
  body: (site: Site, key: string) => Promise<void>,
): Promise<void> {
  const key = keyFile(t);
  const ends = { mr: routerConfig(key, options), ha: agentConfig(key, options) };
  await withSite(t, ends, async (site) => {
    const recording = await record(site, join(key, '..', 'signalling.pcap'));
    await body(site, key);
    await recording.end('SIGTERM');
    const { messages, malformed } = await judgedByTshark(recording.file);
    t.true(messages > 0, 'there are messages');
    t.deepEqual(malformed, []);
  });
}

/** All mobility headers between the access networks and the home agent, into a file. */
async function record(site: Site, file: string): Promise<{ file: string; end: LabProcess['end'] }> {
  const mobility = 'ip6[6] == 135 or (ip6[6] == 60 and ip6[40] == 135) or (ip6[6] == 43 and ip6[40] == 135)';
  const words = ['-i', 'ha0', '-p', '-U', '--immediate-mode', '-n', '-Z', 'root', '-w', file, mobility];
  const process = site.node('core').spawn('tcpdump', words, { stdio: ['ignore', 'ignore', 'pipe'] });
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
