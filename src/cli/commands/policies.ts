import type { Command } from 'commander';
import type { PolicyView } from '../../views/index.js';
import { connectDaemon } from '../daemon-client.js';
import { formatBytes } from '../format.js';
import { print } from '../output.js';
import { type Column, formatTable } from '../table.js';
import { addTargetOptions, type TargetOptions } from '../target.js';
import { addPoliciesLint } from './policies-lint.js';

const COLUMNS: readonly Column<PolicyView>[] = [
  { title: 'ROUTER', cell: (policy) => policy.router },
  { title: 'FID', align: 'right', cell: ({ fid, registeredFid }) => registeredFid ?? fid },
  { title: 'NAME', cell: (policy) => policy.name },
  { title: 'PRI', align: 'right', cell: (policy) => policy.priority },
  { title: 'MATCH', cell: (policy) => policy.match },
  { title: 'ACTION', cell: (policy) => policy.action },
  { title: 'PACKETS', align: 'right', cell: (policy) => policy.packets },
  { title: 'BYTES', align: 'right', cell: (policy) => formatBytes(policy.bytes) },
];

/** At a home agent where routers have registered flow bindings, which have FIDs of their own. */
const ORIGIN: Column<PolicyView> = {
  title: 'FROM',
  cell: ({ registeredFid }) => (registeredFid === null ? 'file' : 'router'),
};

/** `coax policies`: the policies in their order, with what each has decided. */
export function addPolicies(program: Command): void {
  const command = addTargetOptions(
    program.command('policies').description('the policies in their order, with hits'),
  ).action(async (options: TargetOptions) => {
    const policies = await (await connectDaemon(options)).policies();
    print(options.json === true, policies, () => formatPolicies(policies));
  });
  addPoliciesLint(command);
}

/** The table, with what the home agent is not told of it. */
export function formatPolicies(policies: readonly PolicyView[]): string {
  const isAllOfFile = policies.every(({ registeredFid }) => registeredFid === null);
  const [router, ...others] = COLUMNS;
  const remarks = policies.flatMap(({ name, flows, remark }) =>
    remark === null ? [] : [`${name}${flows.length === 0 ? ' is not registered' : ''}: ${remark}`],
  );
  const table = formatTable(
    isAllOfFile || router === undefined ? COLUMNS : [router, ORIGIN, ...others],
    policies,
    'no policies: every packet takes the usable binding of lowest BID-PRI',
  );
  return [table, ...remarks].join('\n');
}
