/** Mobility messages for people. */
import {
  bindingStatusText,
  errorStatusText,
  flowStatusText,
  type MobilityMessage,
  type MobilityOption,
  type Range,
  type TrafficSelector,
  timeOfNtp,
} from '../mobility/index.js';
import type { FoundMessage } from './mobility-messages.js';
import { paint } from './output.js';
import { type Column, formatPairs, formatTable } from './table.js';

const TITLES: Readonly<Record<Exclude<MobilityMessage['type'], 'other'>, string>> = {
  'binding-refresh-request': 'Binding Refresh Request',
  'binding-update': 'Binding Update',
  'binding-acknowledgement': 'Binding Acknowledgement',
  'binding-error': 'Binding Error',
};

/** Names of types that are not decoded (IANA, Mobility Header Types and Mobility Options). */
const OTHER_MESSAGES: ReadonlyMap<number, string> = new Map([
  [1, 'Home Test Init'],
  [2, 'Care-of Test Init'],
  [3, 'Home Test'],
  [4, 'Care-of Test'],
  [13, 'Heartbeat'],
  [19, 'Binding Revocation'],
  [21, 'Flow Binding'],
]);
const OTHER_OPTIONS: ReadonlyMap<number, string> = new Map([
  [2, 'binding refresh advice'],
  [5, 'binding authorization data'],
  [7, 'link-layer address'],
  [8, 'mobile node identifier'],
  [19, 'vendor specific'],
  [29, 'IPv4 home address'],
  [30, 'IPv4 address acknowledgement'],
  [31, 'NAT detection'],
  [32, 'IPv4 care-of address'],
]);

const COLUMNS: readonly Column<MobilityOption>[] = [
  { title: 'OPTION', cell: optionName },
  { title: 'VALUE', cell: optionText },
];

/** One message with its addresses, fields and options. */
export function formatMessage(found: FoundMessage): string {
  const { message, problem } = found;
  const pairs = [...addressPairs(found), ...(message === undefined ? [] : messagePairs(message, found))];
  if (problem !== undefined) pairs.push(['problem', paint('red', problem.message)]);
  const text = formatPairs(pairs);
  if (message === undefined || message.type === 'other' || message.options.length === 0) return text;
  return `${text}\n${formatTable(COLUMNS, message.options, '')}`;
}

type Pair = [string, string | number];

function addressPairs({ packet, source, destination, homeAddress, routing }: FoundMessage): Pair[] {
  const pairs: Pair[] = [];
  if (packet !== undefined) pairs.push(['packet', packet]);
  if (source !== undefined)
    pairs.push(['from', `${source}${homeAddress ? `, home address ${homeAddress}` : ''}`]);
  if (destination !== undefined) {
    const at = routing?.segmentsLeft === 0 ? 'arrived at' : 'home address';
    pairs.push(['to', `${destination}${routing ? `, ${at} ${routing.address}` : ''}`]);
  }
  return pairs;
}

function messagePairs(message: MobilityMessage, { length, checksum, behind }: FoundMessage): Pair[] {
  const checked =
    checksum === 'wrong' ? paint('red', 'checksum wrong') : `checksum ${checksum ?? 'not checked'}`;
  const size = [`${length} bytes`, checked, ...(behind > 0 ? [`${behind} bytes behind it are ignored`] : [])];
  const title =
    message.type === 'other'
      ? `${OTHER_MESSAGES.get(message.number) ?? 'not known'} (type ${message.number})`
      : TITLES[message.type];
  return [['message', `${title}, ${size.join(', ')}`], ...fieldPairs(message)];
}

function fieldPairs(message: MobilityMessage): Pair[] {
  switch (message.type) {
    case 'binding-update':
      return [
        ['sequence', message.sequence],
        ['flags', message.flags.join(' ')],
        ['lifetime', message.lifetime === 0 ? '0 s: removes bindings' : `${message.lifetime} s`],
      ];
    case 'binding-acknowledgement':
      return [
        ['status', statusText(message.status, bindingStatusText)],
        ['sequence', message.sequence],
        ['flags', message.flags.join(' ')],
        ['lifetime', `${message.lifetime} s`],
      ];
    case 'binding-error':
      return [
        ['status', statusText(message.status, errorStatusText)],
        ['home address', message.homeAddress.toString()],
      ];
    case 'binding-refresh-request':
      return [];
    case 'other':
      return [['data', hex(message.data)]];
  }
}

function optionName(option: MobilityOption): string {
  if (option.type !== 'other') return option.type.replaceAll('-', ' ');
  return `${OTHER_OPTIONS.get(option.number) ?? 'not known'} (${option.number})`;
}

function optionText(option: MobilityOption): string {
  switch (option.type) {
    case 'binding-identifier':
      return [
        `BID ${option.bid}`,
        ...(option.priority === 0 ? [] : [`priority ${option.priority}`]),
        ...(option.home ? ['at home too'] : []),
        ...(option.status === 0 ? [] : [`status ${statusText(option.status, bindingStatusText)}`]),
        ...(option.careOf === undefined ? [] : [`care-of address ${option.careOf}`]),
      ].join(', ');
    case 'mobile-network-prefix':
      return option.prefix.toString();
    case 'alternate-care-of':
      return option.address.toString();
    case 'link-layer-address':
      return `code ${option.code}, ${option.mac}`;
    case 'nonce-indices':
      return `home ${option.home}, care-of ${option.careOf}`;
    case 'flow-summary':
      return `FID ${option.fids.join(' ')}`;
    case 'flow-identification':
      return [
        `FID ${option.fid}`,
        `priority ${option.priority}`,
        ...(option.status === 0 ? [] : [`status ${statusText(option.status, flowStatusText)}`]),
        ...(option.bids === undefined ? [] : [`BID ${option.bids.join(' ')}`]),
        ...(option.selector === undefined ? [] : [selectorText(option.selector)]),
        ...option.others.map(({ number, data }) => `sub-option ${number}: ${hex(data)}`),
      ].join(', ');
    case 'authentication':
      return `subtype ${option.subtype}, SPI 0x${option.spi.toString(16)}, ${hex(option.data)}`;
    case 'replay-protection':
      return new Date(Number(timeOfNtp(option.timestamp) / 1_000_000n)).toISOString();
    case 'other': {
      const text = hex(option.data);
      return option.problem === undefined ? text : `${paint('red', option.problem.message)}: ${text}`;
    }
  }
}

/** The words of a policy in the configuration file. */
function selectorText(selector: TrafficSelector): string {
  if (selector.type === 'other') return `selector of format ${selector.format}: ${hex(selector.data)}`;
  const parts = [
    ['source', selector.source],
    ['destination', selector.destination],
    ['protocol', selector.protocol],
    ['source-port', selector.sourcePort],
    ['destination-port', selector.destinationPort],
    ['dscp', selector.dscp],
    ['flow-label', selector.type === 'ipv6' ? hexRange(selector.flowLabel) : undefined],
    ['spi', hexRange(selector.spi)],
  ] as const;
  const texts = parts.flatMap(([name, range]) => {
    if (range === undefined) return [];
    const [low, high] = [String(range.low), String(range.high)];
    return [`${name} ${low === high ? low : `${low}-${high}`}`];
  });
  const version = selector.type === 'ipv4' ? 'IPv4' : 'IPv6';
  return texts.length === 0 ? `every ${version} packet` : `${version} ${texts.join(' ')}`;
}

function hexRange(range: Range | undefined): { low: string; high: string } | undefined {
  if (range === undefined) return undefined;
  return { low: `0x${range.low.toString(16)}`, high: `0x${range.high.toString(16)}` };
}

function statusText(status: number, textOf: (status: number) => string): string {
  return `${status}, ${textOf(status)}`;
}

function hex(data: Uint8Array): string {
  return data.length === 0 ? 'empty' : Buffer.from(data).toString('hex');
}
