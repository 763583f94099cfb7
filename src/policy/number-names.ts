/** Names of numbers in headers, as IANA and network engineers write them. */

/** Upper-layer protocols. */
export const PROTOCOL_NAMES: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', 58],
  ['sctp', 132],
  ['udplite', 136],
]);

/** Per-hop behaviours: default (`be`), class selectors (RFC 2474), AF (RFC 2597) and EF (RFC 3246). */
export const DSCP_NAMES: ReadonlyMap<string, number> = new Map([
  ['be', 0],
  ['cs0', 0],
  ...Array.from({ length: 7 }, (_, at): [string, number] => [`cs${at + 1}`, (at + 1) * 8]),
  ...Array.from({ length: 12 }, (_, at): [string, number] => {
    const [level, drop] = [Math.floor(at / 3) + 1, (at % 3) + 1];
    return [`af${level}${drop}`, level * 8 + drop * 2];
  }),
  ['ef', 46],
]);

/** Types of ICMPv6 messages that are not bound to one link (RFC 4443, RFC 6275, RFC 8335). */
export const ICMP_TYPE_NAMES: ReadonlyMap<string, number> = new Map([
  ['destination-unreachable', 1],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['parameter-problem', 4],
  ['echo-request', 128],
  ['echo-reply', 129],
  ['home-agent-address-request', 144],
  ['home-agent-address-reply', 145],
  ['mobile-prefix-solicitation', 146],
  ['mobile-prefix-advertisement', 147],
  ['extended-echo-request', 160],
  ['extended-echo-reply', 161],
]);

/** Protocols whose header starts with a source and a destination port; the datapath reads these. */
export const PROTOCOLS_WITH_PORTS: readonly number[] = [6, 17, 33, 132, 136];

/** The protocol number of ICMPv6. */
export const ICMPV6 = 58;

/** Headers the datapath looks behind: hop-by-hop, routing, fragment, authentication, destination options. */
const EXTENSION_HEADERS: readonly number[] = [0, 43, 44, 51, 60];

/** Whether a selector for this number can never match, because packets are known by what follows it. */
export function isExtensionHeader(protocol: number): boolean {
  return EXTENSION_HEADERS.includes(protocol);
}
