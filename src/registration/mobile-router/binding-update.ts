/** Candidates to Binding Updates and packets. */
import {
  type Address,
  type BindingUpdate,
  encodeAuthenticated,
  encodeMobilityHeader,
  encodeMobilityPacket,
  type MobilityOption,
  type UpdateFlag,
} from '../../mobility/index.js';
import type { Exchange, Item } from './exchange.js';
import type { Settings } from './options.js';
import { LONGEST_MESSAGE } from './timing.js';

/** A packet to be sent, whole. */
export interface OutgoingPacket {
  readonly source: Address;
  readonly destination: Address;
  /** From the IPv6 header on. */
  readonly packet: Uint8Array;
}

/** Padding and all of an authentication option (RFC 4285 section 5). */
const AUTHENTICATION_SIZE = 24;

/** Option code of a link-layer address (RFC 5568 section 6.4.4). */
const OF_MOBILE_NODE = 2;

type Content = Omit<Exchange, 'flows' | 'sentAt' | 'turnEnds'>;

/** Bytes that are left for flows in a Binding Update. */
export function roomForFlows(settings: Settings, content: Content): number {
  const { length } = encodeMobilityHeader(messageOf(settings, content, []));
  return LONGEST_MESSAGE - length - (settings.key ? AUTHENTICATION_SIZE : 0);
}

export function packetOf(settings: Settings, exchange: Exchange): OutgoingPacket {
  const { homeAddress, homeAgent, key } = settings;
  const { source } = exchange;
  const message = messageOf(settings, exchange, exchange.flows.options);
  const isHome = source.equals(homeAddress);
  const envelope = { source, destination: homeAgent, homeAddress: isHome ? undefined : homeAddress };
  const packet = encodeMobilityPacket(envelope, (addresses) =>
    key
      ? encodeAuthenticated(message, { careOf: source, homeAddress }, key, addresses)
      : encodeMobilityHeader(message, addresses),
  );
  return { source, destination: homeAgent, packet };
}

function messageOf(
  settings: Settings,
  { form, sequence, source, items, overwrite, lifetime, timestamp }: Content,
  flows: readonly MobilityOption[],
): BindingUpdate {
  const flags: UpdateFlag[] = ['acknowledge', 'home', 'mobile-router'];
  if (overwrite) flags.push('overwrite');
  const options: MobilityOption[] = form === 'bindings' ? items.map(identifierOf) : [];
  if (lifetime > 0) {
    for (const prefix of settings.prefixes) options.push({ type: 'mobile-network-prefix', prefix });
    // RFC 6275 section 11.7.1: IPsec does not protect the source address. Never beside a Binding Identifier.
    if (form === 'single') options.push({ type: 'alternate-care-of', address: source });
  }
  const atHome = items.find(({ kind, home }) => kind === 'register' && home);
  if (form === 'bindings' && atHome?.linkAddress) {
    options.push({ type: 'link-layer-address', code: OF_MOBILE_NODE, mac: atHome.linkAddress });
  }
  options.push(...flows);
  if (timestamp !== undefined) options.push({ type: 'replay-protection', timestamp });
  return { type: 'binding-update', sequence, flags, lifetime, options };
}

/** With its care-of address always: a home agent that has lost it gets it back by any refresh. */
function identifierOf({ kind, bid, careOf, priority, home }: Item): MobilityOption {
  const register = kind === 'register';
  return {
    type: 'binding-identifier',
    bid,
    status: 0,
    home: register && home,
    priority,
    careOf: register ? careOf : undefined,
  };
}
