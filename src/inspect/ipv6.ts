/** Numbers of the IPv6 header and of what may follow it (RFC 8200, IANA protocol numbers). */
export const IPV6_HEADER = 40;
export const ETHERNET_HEADER = 14;
export const ETHERTYPE_IPV6 = 0x86dd;

export const Next = {
  HOP_BY_HOP: 0,
  TCP: 6,
  UDP: 17,
  DCCP: 33,
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  DESTINATION_OPTIONS: 60,
  SCTP: 132,
  UDPLITE: 136,
} as const;
