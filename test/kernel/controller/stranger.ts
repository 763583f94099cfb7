/**
 * Runs in a network namespace: a program of somebody else on an interface, until standard input ends.
 * Arguments: the interface, and `xdp` or `egress`. Prints the program's id.
 */
import { readFileSync } from 'node:fs';
import { attachTcx, attachXdp } from '../../../src/libbpf-ts/index.js';
import { loadSample } from '../libbpf-ts/support.js';

const [, , name = '', place = ''] = process.argv;
const ifindex = Number(readFileSync(`/proc/self/net/dev_snmp6/${name}`, 'utf8').split(/\s+/)[1]);
using live = await loadSample();
using link =
  place === 'xdp'
    ? attachXdp(live.programs.get('sample_xdp_other'), ifindex, { mode: 'native' })
    : attachTcx(live.programs.get('sample_tc_other'), ifindex, 'egress');
process.stdout.write(`${link.info.programId}\n`);
await new Promise((resolve) => process.stdin.on('end', resolve).resume());
