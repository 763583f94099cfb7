import type { BindingView } from '../views/index.js';
import { formatBytes, formatSince, formatState } from './format.js';
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
  { title: 'TUNNEL', cell: (binding) => binding.tunnel },
  { title: 'MTU', align: 'right', cell: (binding) => binding.mtu },
  { title: 'PRI', align: 'right', cell: (binding) => binding.priority },
  { title: 'SENT', align: 'right', cell: (binding) => binding.sent.packets },
  { title: '', align: 'right', cell: (binding) => formatBytes(binding.sent.bytes) },
  { title: 'RECEIVED', align: 'right', cell: (binding) => binding.received.packets },
  { title: '', align: 'right', cell: (binding) => formatBytes(binding.received.bytes) },
];

/** The table of bindings. */
export function formatBindings(bindings: readonly BindingView[]): string {
  return formatTable(COLUMNS, bindings, 'no bindings');
}
