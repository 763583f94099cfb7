// What not every kernel has, found out by trying; a test that needs it is skipped by the name of what is missing.
import { spawnSync } from 'node:child_process';
import test, { type Implementation } from 'ava';
import { environment } from '../../lab/command.js';
import { randomAead } from './esp.js';

/** Words for `ip` that succeed only where the kernel has it. */
const ATTEMPTS = {
  ip6tnl: 'link add name probe type ip6tnl mode ip6ip6 local ::1 remote ::2',
  ESP: `xfrm state add src ::1 dst ::2 proto esp spi 0x100 mode transport ${randomAead()}`,
} as const;

/** What a kernel may lack, as a skipped test names it. */
export type Feature = keyof typeof ATTEMPTS;

/** What `ip` says of a kernel without it; anything else is a broken attempt, and no reason to skip. */
const LACKING = /Unknown device type|algorithm not found|[Nn]ot supported/;

/** Tries it in a network namespace that is gone when the attempt ends. @throws Error for an unexpected failure */
function offers(feature: Feature): boolean {
  const { status, stderr, error } = spawnSync('unshare', ['--net', 'ip', ...ATTEMPTS[feature].split(' ')], {
    env: environment,
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (status === 0) return true;
  if (error === undefined && LACKING.test(stderr)) return false;
  throw new Error(`cannot find out whether this kernel has ${feature}: ${error?.message ?? stderr.trim()}`);
}

/** Declares a serial test that needs these features; where the kernel lacks one it is skipped and says so. */
export function testNeeding(features: readonly Feature[], title: string, body: Implementation<[]>): void {
  const missing = features.find((feature) => !offers(feature));
  if (missing === undefined) test.serial(title, body);
  else test.serial.skip(`${title} (skipped: this kernel has no ${missing})`, body);
}
