import { CxReason, cxReasonName } from '../datapath/index.js';

/** What a reason means for the packet, in words. */
const TEXTS: Readonly<Record<keyof typeof CxReason, string>> = {
  NONE: 'no program has decided',
  ENCAPSULATED: 'gets an outer header and leaves by the uplink',
  TO_TUNNEL_DEVICE: 'goes to the tunnel device, which makes the outer header',
  NEXT_HOP_UNRESOLVED: 'gets an outer header; the kernel still has to find the next hop on the link',
  DECAPSULATED: 'loses its outer header and goes to its neighbour on the link',
  TO_STACK_DECAPSULATED: 'loses its outer header and enters the stack at the home interface',
  RELAYED: 'goes from one tunnel into another',
  TO_HOME_LINK: 'goes to the other end by the home link, as it is',
  NOT_IPV6: 'is left to the stack: it is not IPv6, or tagged for a VLAN',
  NOT_FOR_HOME: 'is left to the stack: the routes do not send it home',
  LINK_SCOPE: 'is left to the stack: an address of it is link-local or multicast',
  HOP_LIMIT: 'is left to the stack, which answers Time Exceeded',
  BYPASS: 'takes the route that the kernel has without ours',
  MARK_DECIDES: 'goes through the stack, because a policy asks for a mark that is not known here',
  NO_BINDING: 'is left to the stack, which answers unreachable: no binding can carry it',
  NOT_OURS: 'is left to the stack: it is not of our tunnels',
  OTHER_HOST: "is another host's frame",
  ERROR_KEPT: 'is left to the stack: an error about our tunnel that no inner sender can use',
  TO_BE_SEGMENTED: 'is segmented first',
  TO_BE_ENCRYPTED:
    'goes through the home interface first, which encrypts it if the kernel has left that to do',
  LEFT_TO_TC: 'is left by the XDP program to the TC program behind it',
  LEFT_TO_STACK: 'goes through the stack, as all packets of this interface do',
  PACKET_TOO_BIG: 'is too big for the binding: its sender gets a Packet Too Big',
  ERROR_RELAYED: 'is an error about our tunnel and goes on to the inner sender',
  TO_DAEMON: 'is a mobility header to an address of ours: the daemon reads it',
  DROP_TRUNCATED: 'is dropped: shorter than its headers say',
  DROP_HEADER_CHAIN: 'is dropped: its extension headers are too many or malformed',
  DROP_SOURCE: 'is dropped: its source is not of the prefixes of this router',
  DROP_DESTINATION: 'is dropped: its destination is not of the prefixes of this router',
  DROP_OUTER_SOURCE: 'is dropped: it comes from nobody whom we have a tunnel with',
  DROP_LOOP: 'is dropped: its source is an end of our own tunnels',
  DROP_NO_BINDING: 'is dropped: no binding can carry it',
  DROP_TOO_BIG: 'is dropped: larger than the binding, and nobody can be told',
  DROP_ECN: 'is dropped: congestion was experienced and it cannot say so (RFC 6040)',
  DROP_NOT_IPV6: 'is dropped: not IPv6',
  DROP_LINK_SCOPE: 'is dropped: an address of it is link-local or multicast',
  DROP_ENCAP_FAILED: 'is dropped: the kernel made no room for the outer header',
  DROP_DECAP_FAILED: 'is dropped: its outer header could not be removed',
  DROP_TUNNEL_KEY: 'is dropped: the tunnel device gave or took no key',
  DROP_BROKEN_STATE: 'is dropped: a row that must exist does not',
  DROP_NOT_FOR_HOME: 'is dropped: at the home interface, but the routes do not send it home',
  DROP_ANSWER_LIMIT: 'is dropped: an ICMPv6 error is due, but too many were sent in this second',
  DROP_ERROR_INVALID: 'is dropped: an error about a packet that we cannot have sent',
  DROP_BY_POLICY: 'is dropped by the policy',
  DROP_BYPASS: 'is dropped: a policy would bypass it, but behind the stack its route is decided',
  DROP_SIGNALS_FULL: 'is dropped: a mobility header to us, but the daemon has not read the ones before',
  DROP_SIGNAL_LIMIT: 'is dropped: a mobility header to us, but its sender has sent too many in this second',
  ALSO_COPIED: 'is copied to one more binding',
  ALSO_COPY_LOST: 'is not copied to one of its bindings, whose next hop is not known or whose uplink refused',
  ALSO_FRAGMENT_ALONE: 'is a fragment of which the first one is not known, so that it has no ports',
};

/** The words for a reason. */
export function reasonText(reason: CxReason): string {
  const name = cxReasonName(reason);
  return Object.hasOwn(TEXTS, name) ? TEXTS[name as keyof typeof CxReason] : name;
}

/** What becomes of a packet, from its reason alone, see enum cx_reason. */
export function fateOf(reason: CxReason): 'sent' | 'stack' | 'answered' | 'dropped' {
  if (reason < CxReason.NOT_IPV6) return 'sent';
  if (reason < CxReason.PACKET_TOO_BIG) return 'stack';
  return reason < CxReason.DROP_TRUNCATED ? 'answered' : 'dropped';
}
