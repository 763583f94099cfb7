/** What a test run cannot show: packets over real devices, with a link header and without one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { withBpffs } from '../libbpf-ts/support.js';

const LEAST_CASES = 15;

test.serial('packets cross tun and Ethernet devices in every combination', async (t) => {
  const namespace = `coax-dev-${process.pid}`;
  const worker = fileURLToPath(new URL('./devices-worker.js', import.meta.url));
  mkdirSync('/run/netns', { recursive: true });
  await withBpffs(async (bpffs) => {
    execFileSync('ip', ['netns', 'add', namespace]);
    try {
      const output = execFileSync(
        'ip',
        ['netns', 'exec', namespace, process.execPath, '--enable-source-maps', worker, bpffs],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const results = Object.entries(JSON.parse(output) as Record<string, string>);
      t.true(results.length > LEAST_CASES);
      for (const [name, wrong] of results) {
        t.is(wrong, '', `${name}\n${wrong}`);
      }
    } finally {
      execFileSync('ip', ['netns', 'del', namespace]);
    }
  });
});
