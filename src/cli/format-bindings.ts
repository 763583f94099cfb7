import type { BindingView, ProbeView } from '../views/index.js';
import { formatBytes, formatSince, formatSpan, formatState } from './format.js';
import { paint } from './output.js';
import { type Column, formatTable } from './table.js';

const COLUMNS: readonly Column<BindingView>[] = [
  { title: 'ROUTER', cell: (binding) => binding.router },
  { title: 'BID', align: 'right', cell: (binding) => binding.bid },
  { title: 'NAME', cell: (binding) => binding.name },
  { title: 'STATE', cell: (binding) => formatState(binding.state) },
  { title: 'FOR', align: 'right', cell: (binding) => formatSince(binding.since) },
  { title: 'CARE-OF', cell: (binding) => binding.careOf },
  { title: 'INTERFACE', cell: (binding) => binding.interface },
  { title: 'NEXT HOP', cell: (binding) => binding.nextHop },
  { title: 'TUNNEL', cell: ({ tunnel, device }) => (device === null ? tunnel : `${tunnel} ${device}`) },
  { title: 'MTU', align: 'right', cell: (binding) => binding.mtu },
  { title: 'PRI', align: 'right', cell: (binding) => binding.priority },
  { title: 'SENT', align: 'right', cell: (binding) => binding.sent.packets },
  { title: '', align: 'right', cell: (binding) => formatBytes(binding.sent.bytes) },
  { title: 'RECEIVED', align: 'right', cell: (binding) => binding.received.packets },
  { title: '', align: 'right', cell: (binding) => formatBytes(binding.received.bytes) },
  {
    title: 'WARN',
    cell: ({ warnings }) => (warnings.length > 0 ? paint('yellow', warnings.join(' ')) : null),
  },
];

const REGISTERED: Column<BindingView> = {
  title: 'REGISTERED',
  cell: ({ registration }) => describeRegistration(registration),
};

/** A binding with the answer to its echo. */
export type ProbedBinding = BindingView & { probe: ProbeView | null };

const ECHO: Column<ProbedBinding> = { title: 'ECHO', cell: ({ probe }) => describeProbe(probe) };

/** The table of bindings. */
export function formatBindings(bindings: readonly BindingView[]): string {
  return formatTable(columnsFor(bindings), bindings, 'no bindings');
}

/** The table of bindings with how long an echo took. */
export function formatProbedBindings(bindings: readonly ProbedBinding[]): string {
  const failures = bindings.flatMap(({ probe }) =>
    probe?.failure == null ? [] : [`${probe.router}/${probe.bid}: ${probe.failure}`],
  );
  return [formatTable([...columnsFor(bindings), ECHO], bindings, 'no bindings'), ...failures].join('\n');
}

/** Where nothing is registered on the wire, nobody asks for how long. */
function columnsFor(bindings: readonly BindingView[]): readonly Column<BindingView>[] {
  return bindings.some(({ registration }) => registration !== null) ? [...COLUMNS, REGISTERED] : COLUMNS;
}

function describeRegistration(registration: BindingView['registration']): string | null {
  if (registration === null) return null;
  const { state, secondsLeft, status } = registration;
  const left = secondsLeft === null ? [] : [`${formatSpan(secondsLeft)} left`];
  if (state === 'registered') return left[0] ?? state;
  const why = state === 'refused' && status !== null ? [status] : [];
  return paint('yellow', [state, ...left, ...why].join(', '));
}

function describeProbe(probe: ProbeView | null): string | null {
  if (probe === null) return null;
  return probe.rttMs === null ? paint('red', 'failed') : `${probe.rttMs} ms`;
}
