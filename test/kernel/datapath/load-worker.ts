/** Loads the programs with the privileges it was started with, sends a packet through each and says what it saw. */
import { readFileSync } from 'node:fs';
import { type ProgramName, TestDatapath } from './test-datapath.js';
import { agentWorld, down, mobileWorld, outerDown, up } from './worlds.js';

const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
const verdicts: string[] = [];

async function load(role: 'MOBILE_ROUTER' | 'HOME_AGENT'): Promise<void> {
  using datapath = await TestDatapath.load(role);
  await datapath.become(role === 'MOBILE_ROUTER' ? mobileWorld() : agentWorld());
  const packets: [ProgramName, Uint8Array][] =
    role === 'MOBILE_ROUTER'
      ? [
          ['coax_ingress', up().udp().onEthernet().bytes()],
          ['coax_home', up().udp().onEthernet().bytes()],
          ['coax_uplink', outerDown('A').carrying(down().udp()).onEthernet().bytes()],
        ]
      : [['coax_transit', down().udp().onEthernet().bytes()]];
  for (const [program, packet] of packets) {
    verdicts.push(...datapath.run(program, packet).verdicts.map(({ hook, reason }) => `${hook} ${reason}`));
  }
}

await load('MOBILE_ROUTER');
await load('HOME_AGENT');
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), capabilities, verdicts }));
