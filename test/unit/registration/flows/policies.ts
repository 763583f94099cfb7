/** Policies in few words, and flows that have been over the wire. */
import {
  type BindingUpdate,
  decodeMobilityHeader,
  encodeMobilityHeader,
  type FlowIdentificationOption,
  type Ipv6Selector,
} from '../../../../src/mobility/index.js';
import {
  type Action,
  ANY,
  joinCgroups,
  type Policy,
  parseAddressMatch,
  parseMark,
  parseRanges,
  RANGE_FIELDS,
  RANGE_KEYS,
  type Selector,
} from '../../../../src/policy/index.js';

type Values = string | number | readonly (string | number)[];

/** A selector in the words of the configuration file. */
export function select(match: Readonly<Record<string, Values>>): Selector {
  const selector: { -readonly [Key in keyof Selector]: Selector[Key] } = { ...ANY };
  for (const [word, value] of Object.entries(match)) {
    const texts = [value].flat().map(String);
    const range = RANGE_KEYS.find((key) => RANGE_FIELDS[key].word === word);
    if (range !== undefined) selector[range] = parseRanges(range, value);
    else if (word === 'mark') selector.mark = parseMark(String(value));
    else if (word === 'source' || word === 'destination') selector[word] = parseAddressMatch(texts);
    else if (word === 'interface') selector.interface = texts;
    else if (word === 'cgroup') selector.cgroup = joinCgroups(texts);
    else throw new Error(`no field ${word}`);
  }
  return selector;
}

/** A policy of this FID, called `p` and the FID, of ten times that priority; a list of BIDs is a `use`. */
export function policy(
  fid: number,
  match: Parameters<typeof select>[0],
  action: Action | readonly number[],
  rest: Partial<Pick<Policy, 'priority' | 'otherwise'>> = {},
): Policy {
  return {
    fid,
    name: `p${fid}`,
    priority: rest.priority ?? fid * 10,
    selector: select(match),
    action: 'kind' in action ? action : { kind: 'use', bindings: action },
    otherwise: rest.otherwise ?? 'next',
  };
}

export function copy(...bindings: number[]): Action {
  return { kind: 'copy', bindings };
}

/** A traffic selector of these fields. */
export function wire(fields: Partial<Omit<Ipv6Selector, 'type'>> = {}): Ipv6Selector {
  return {
    type: 'ipv6',
    source: undefined,
    destination: undefined,
    spi: undefined,
    flowLabel: undefined,
    sourcePort: undefined,
    destinationPort: undefined,
    dscp: undefined,
    protocol: undefined,
    ...fields,
  };
}

export function one(value: number): { low: number; high: number } {
  return { low: value, high: value };
}

const UPDATE: BindingUpdate = { type: 'binding-update', sequence: 1, flags: [], lifetime: 4, options: [] };

/** Bytes of a Binding Update with these flows and nothing else. */
export function updateOf(flows: readonly FlowIdentificationOption[]): Uint8Array {
  return encodeMobilityHeader({ ...UPDATE, options: flows });
}

/** What a home agent reads of these flows. */
export function overTheWire(flows: readonly FlowIdentificationOption[]): FlowIdentificationOption[] {
  return flowsOfUpdate(updateOf(flows));
}

/** The flows of a Binding Update that has nothing else. */
export function flowsOfUpdate(bytes: Uint8Array): FlowIdentificationOption[] {
  const message = decodeMobilityHeader(bytes);
  if (message.type !== 'binding-update') throw new Error(`not an update: ${message.type}`);
  return message.options.map((option) => {
    if (option.type !== 'flow-identification') throw new Error(`not a flow: ${option.type}`);
    return option;
  });
}
