import { spawnSync } from 'node:child_process';
import { Netlink, NetlinkError, offersEsp } from '../../../src/netlink/index.js';
import { randomAead } from '../../support/esp.js';
import { ip } from './namespace.js';

/** Words for `ip link add` of each kind that we ask about, and of one external device. */
const LINKS = {
  ip6tnl: 'type ip6tnl mode ip6ip6 local ::1 remote ::2',
  ip6gre: 'type ip6gre local ::1 remote ::2',
  vxlan: 'type vxlan id 1 dstport 4789',
  wireguard: 'type wireguard',
  xfrm: 'type xfrm if_id 1',
  nonsense: 'type nonsense',
} as const;

const EXTERNAL = { ip6tnl: 'type ip6tnl external', xfrm: 'type xfrm external' } as const;

/** Whether `ip` can do it, in this namespace, which is thrown away. */
function succeeds(words: string): boolean {
  return spawnSync('ip', words.split(' '), { stdio: 'ignore' }).status === 0;
}

function madeAndRemoved(words: string): boolean {
  const made = succeeds(`link add name made ${words}`);
  if (made) ip('link', 'del', 'made');
  return made;
}

/** What is asked beside what can be made, by name. */
export async function links(): Promise<object> {
  using netlink = Netlink.open();
  const made: Record<string, boolean> = {};
  const external: Record<string, boolean> = {};
  for (const [kind, words] of Object.entries(LINKS)) made[kind] = madeAndRemoved(words);
  for (const [kind, words] of Object.entries(EXTERNAL)) external[kind] = madeAndRemoved(words);
  const before = ip('-o', 'link');
  const offered: Record<string, boolean> = {};
  const offeredExternal: Record<string, boolean> = {};
  for (const kind of Object.keys(LINKS)) offered[kind] = await netlink.offersLinkKind(kind);
  for (const kind of ['ip6tnl', 'xfrm'] as const) offeredExternal[kind] = await netlink.offersMetadata(kind);
  return { made, offered, external, offeredExternal, before, after: ip('-o', 'link') };
}

/** The same for ESP; the state that is there must be alone afterwards, too. */
export async function esp(): Promise<object> {
  // By standard input: keys are not for everybody who can list processes.
  const state = `xfrm state add src ::1 dst ::2 proto esp spi 0x100 mode tunnel ${randomAead()}`;
  const made = spawnSync('ip', ['-batch', '-'], { input: state }).status === 0;
  const states = (): string => spawnSync('ip', ['xfrm', 'state', 'count'], { encoding: 'utf8' }).stdout;
  const before = states();
  const offered = await offersEsp();
  const unknown = await offersEsp('rfc4106(gcm(nonsense))');
  return { made, offered, unknown, before, after: states() };
}

/** What is said without CAP_NET_ADMIN. */
export async function unprivileged(): Promise<object> {
  using netlink = Netlink.open();
  const asked = {
    kind: netlink.offersLinkKind('vxlan'),
    metadata: netlink.offersMetadata('xfrm'),
  };
  const said: Record<string, unknown> = {};
  for (const [name, answer] of Object.entries(asked)) {
    said[name] = await answer.catch((error: unknown) => error instanceof NetlinkError && error.errnoName);
  }
  return said;
}
