// What not every kernel has, found out by trying; a test that needs it is skipped by the name of what is missing.
import { spawnSync } from 'node:child_process';
import test, { type Implementation } from 'ava';
import { environment } from '../../lab/command.js';
import type { Feature as BpfFeature } from '../../src/libbpf-ts/index.js';
import { randomAead } from './esp.js';

/** Commands that succeed only where the kernel has it. */
const ATTEMPTS = {
  ip6tnl: 'ip link add name probe type ip6tnl mode ip6ip6 local ::1 remote ::2',
  'external ip6tnl': 'ip link add name probe type ip6tnl external',
  ip6gre: 'ip link add name probe type ip6gre local ::1 remote ::2',
  vxlan: 'ip link add name probe type vxlan id 1 local ::1 remote ::2 dstport 4789',
  wireguard: 'ip link add name probe type wireguard',
  'xfrm interface': 'ip link add name probe type xfrm if_id 1',
  'external xfrm interface': 'ip link add name probe type xfrm external',
  ESP: `ip xfrm state add src ::1 dst ::2 proto esp spi 0x100 mode transport ${randomAead()}`,
  esp6_offload: 'modprobe --dry-run esp6_offload',
  'IKE daemon (package strongswan-charon)': 'ls /usr/lib/ipsec/charon',
} as const;

/** What a kernel may lack, as a skipped test names it. */
export type Feature = keyof typeof ATTEMPTS;

/** What a test may need: by its name here, or as a probe of libbpf-ts, which may have to wait for a module until then. */
export type Need = Feature | BpfFeature | (() => BpfFeature);

/** What they say of a kernel without it; anything else is a broken attempt, and no reason to skip. */
const LACKING =
  /Unknown device type|algorithm not found|[Nn]ot supported|if_id must be non zero|Module \S+ not found|cannot access/;

/** Tries it in a network namespace that is gone when the attempt ends. @throws Error for an unexpected failure */
function offers(feature: Feature): boolean {
  const { status, stderr, error } = spawnSync('unshare', ['--net', ...ATTEMPTS[feature].split(' ')], {
    env: environment,
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (status === 0) return true;
  if (error === undefined && LACKING.test(stderr)) return false;
  throw new Error(`cannot find out whether this kernel has ${feature}: ${error?.message ?? stderr.trim()}`);
}

/** Why a test that needs it is skipped; undefined where it is not. */
function missing(need: Need): string | undefined {
  if (typeof need === 'string') return offers(need) ? undefined : `there is no ${need} here`;
  const feature = typeof need === 'function' ? need() : need;
  // Who may not probe learns nothing: the test then fails by itself.
  return feature.supported || feature.errnoName === 'EPERM' ? undefined : feature.reason;
}

/** Asked in their order: a later one may need what an earlier one has loaded. */
function firstMissing(needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const why = missing(need);
    if (why !== undefined) return why;
  }
  return undefined;
}

/**
 * Declares a serial test that needs these features, named here or probed by `features` of libbpf-ts; where the kernel
 * lacks one it is skipped and says so.
 */
export function testNeeding(needs: readonly Need[], title: string, body: Implementation<[]>): void {
  const reason = firstMissing(needs);
  if (reason === undefined) test.serial(title, body);
  else test.serial.skip(`${title} (skipped: ${reason})`, body);
}

/** Declares a serial test of what is said where one of these features is missing; where all are there, it is skipped. */
export function testLacking(needs: readonly Need[], title: string, body: Implementation<[]>): void {
  if (firstMissing(needs) !== undefined) test.serial(title, body);
  else test.serial.skip(`${title} (skipped: nothing is missing here)`, body);
}
