import { execFileSync } from 'node:child_process';
import { RulesetMonitor } from '../../../src/netlink/index.js';

function nft(ruleset: string): void {
  execFileSync('/usr/sbin/nft', ['-f', '-'], { input: ruleset });
}

/** What a monitor says to each change; a generation asked for is an answer that comes after the events. */
export async function changes(): Promise<unknown> {
  let heard = 0;
  using monitor = new RulesetMonitor(() => {
    heard++;
  });
  const closed = await monitor.everChanged().catch((error: Error & { code: string }) => error.code);
  monitor.start();
  monitor.start();
  const fresh = await monitor.everChanged();
  const steps: Record<string, boolean> = {};
  for (const [name, ruleset] of [
    ['table', 'table inet x { set s { type ipv6_addr; }; }'],
    ['chain', 'table inet x { chain c { type filter hook forward priority 0; }; }'],
    ['rule', 'table inet x { chain c { ip6 saddr @s drop; }; }'],
    ['element', 'add element inet x s { 2001:db8::1 }'],
    ['flush', 'flush ruleset'],
  ] as const) {
    const before = heard;
    nft(ruleset);
    for (let turn = 0; turn < 5; turn++) await monitor.everChanged();
    steps[name] = heard > before;
  }
  const after = await monitor.everChanged();
  monitor.stop();
  return { closed, fresh, steps, after };
}
