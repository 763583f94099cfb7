import type {
  ControllerStatus,
  InterfaceView,
  ProblemView,
  ReasonView,
  SwitchView,
  XdpView,
} from '../views/index.js';
import { formatBytes, formatSince, formatState } from './format.js';
import { type Column, formatPairs, formatTable } from './table.js';

const INTERFACES: readonly Column<InterfaceView>[] = [
  { title: 'INTERFACE', cell: (row) => row.name },
  { title: 'ROLE', cell: (row) => row.role },
  { title: 'ATTACHED', cell: (row) => row.attach },
  { title: 'IFINDEX', align: 'right', cell: (row) => row.ifindex },
  { title: 'NOTE', cell: (row) => [row.note, describeXdp(row.xdp)].filter(Boolean).join('; ') },
];

const BINDINGS: readonly Column<ControllerStatus['bindings'][number]>[] = [
  { title: 'BINDING', cell: (row) => `${row.router}/${row.bid}` },
  { title: 'NAME', cell: (row) => row.name },
  { title: 'STATE', cell: (row) => formatState(row.state) },
  { title: 'CARE-OF', cell: (row) => row.careOf },
];

const REASONS: readonly Column<ReasonView>[] = [
  { title: 'HOOK', cell: (row) => row.hook },
  { title: 'REASON', cell: (row) => row.reason },
  { title: 'PACKETS', align: 'right', cell: (row) => row.packets },
  { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
];

const PROBLEMS: readonly Column<ProblemView>[] = [
  { title: 'PROBLEM', cell: (row) => row.code },
  { title: 'WHAT', cell: (row) => row.message },
];

/** What a controller says about itself, for people. */
export function describeStatus(status: ControllerStatus): string {
  const usable = status.bindings.filter((binding) => binding.state === 'usable').length;
  return [
    formatPairs([
      ['role', status.role],
      ['instance', status.instance],
      ['generation', status.generation],
      ['bindings', `${usable} of ${status.bindings.length} usable`],
      ['last switch', describeSwitch(status.lastSwitch)],
    ]),
    formatTable(INTERFACES, status.interfaces, 'attached to no interface'),
    formatTable(BINDINGS, status.bindings, 'no bindings'),
    formatTable(REASONS, status.reasons, 'no packets yet'),
    ...(status.problems.length > 0 ? [formatTable(PROBLEMS, status.problems, '')] : []),
  ].join('\n\n');
}

/** What is not as fast as it could be, and why. */
function describeXdp(xdp: XdpView | null): string | undefined {
  if (xdp === null) return undefined;
  if (xdp.mode === 'off') return `no xdp: ${xdp.why}`;
  return xdp.transmits ? undefined : `not sent to by xdp: ${xdp.whyTransmits}`;
}

function describeSwitch(last: SwitchView | null): string {
  if (last === null) return 'none';
  const took = `${last.durationMs.toFixed(1)} ms`;
  return `${last.router}/${last.bid}: ${last.from ?? 'none'} -> ${last.to ?? 'none'}, took ${took}, ${formatSince(last.at)} ago`;
}
