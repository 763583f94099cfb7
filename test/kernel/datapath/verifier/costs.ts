/** What the running kernel's verifier says of our programs. */
import type { LoadedObject } from '../../../../src/libbpf-ts/index.js';
import { TestDatapath } from '../test-datapath.js';
import type { ProgramCost, ProgramCosts } from './records.js';

/** Level of the verifier's log that has statistics only. */
const STATISTICS = 4;
const ROLES = ['MOBILE_ROUTER', 'HOME_AGENT'] as const;

function costsOf(of: string, object: LoadedObject): [string, ProgramCost][] {
  return [...object.programs].map((program) => {
    const log = object.logs.get(program.name) ?? '';
    const stack = /^stack depth ([\d+]+)/m.exec(log)?.[1] ?? 'unknown';
    return [`${of} ${program.name}`, { instructions: program.info.verifiedInstructions, stack }];
  });
}

/** Loads all programs in both roles. */
export async function measureCosts(): Promise<ProgramCosts> {
  const costs: [string, ProgramCost][] = [];
  for (const role of ROLES) {
    using datapath = await TestDatapath.load(role, { logLevel: STATISTICS });
    const xdp = await datapath.loadXdp({ logLevel: STATISTICS });
    costs.push(...costsOf(role, datapath.object), ...costsOf(`${role} xdp`, xdp));
  }
  return Object.fromEntries(costs);
}
