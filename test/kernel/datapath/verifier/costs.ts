/** What the running kernel's verifier says of our programs. */
import { TestDatapath } from '../test-datapath.js';
import type { ProgramCost, ProgramCosts } from './records.js';

/** Level of the verifier's log that has statistics only. */
const STATISTICS = 4;
const ROLES = ['MOBILE_ROUTER', 'HOME_AGENT'] as const;

/** Loads all programs in both roles. */
export async function measureCosts(): Promise<ProgramCosts> {
  const costs: [string, ProgramCost][] = [];
  for (const role of ROLES) {
    using datapath = await TestDatapath.load(role, { logLevel: STATISTICS });
    for (const program of datapath.object.programs) {
      const log = datapath.object.logs.get(program.name) ?? '';
      const stack = /^stack depth ([\d+]+)/m.exec(log)?.[1] ?? 'unknown';
      costs.push([`${role} ${program.name}`, { instructions: program.info.verifiedInstructions, stack }]);
    }
  }
  return Object.fromEntries(costs);
}
