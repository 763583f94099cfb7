/** The programs under the daemon's own privileges. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { objectFile } from '../../../src/datapath/object-file.js';

const CAPABILITIES = { net_admin: 12, net_raw: 13, perfmon: 38, bpf: 39 } as const;
const NOBODY = '65534';

/** Whether an ordinary user may read what the worker reads. */
function readable(...paths: string[]): boolean {
  return paths.every(
    (path) =>
      spawnSync('setpriv', ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', 'test', '-r', path])
        .status === 0,
  );
}

test.serial("the programs load and run with exactly the daemon's capabilities", (t) => {
  const worker = fileURLToPath(new URL('./load-worker.js', import.meta.url));
  const wanted = Object.keys(CAPABILITIES)
    .map((name) => `+${name}`)
    .join(',');
  // A checkout below /root is closed to others: there it is root without root's other capabilities.
  const user = readable(worker, objectFile('tc.bpf.o'))
    ? [
        '--reuid',
        NOBODY,
        '--regid',
        NOBODY,
        '--clear-groups',
        `--inh-caps=-all,${wanted}`,
        `--ambient-caps=-all,${wanted}`,
      ]
    : [];
  const output = execFileSync(
    'setpriv',
    [...user, `--bounding-set=-all,${wanted}`, process.execPath, '--enable-source-maps', worker],
    { encoding: 'utf8' },
  );
  const { uid, capabilities, verdicts } = JSON.parse(output) as {
    uid: number;
    capabilities: string;
    verdicts: string[];
  };
  t.is(uid, user.length > 0 ? Number(NOBODY) : 0);
  const bits = Object.values(CAPABILITIES).reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  t.is(BigInt(`0x${capabilities}`), bits);
  t.deepEqual(verdicts, [
    'INGRESS ENCAPSULATED',
    'HOME ENCAPSULATED',
    'UPLINK DECAPSULATED',
    'INGRESS ENCAPSULATED',
  ]);
});
