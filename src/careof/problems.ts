/** Codes of what status lists as wrong, with what each means and what to do: `docs/errors.md` is made of this. */
export const PROBLEMS = {
  INTERFACE_MISSING: {
    means: 'an interface of the configuration is not there; everything else works on',
    remedy: 'plug it in or create it, or correct its name; the daemon waits for it',
  },
  PATH_TOO_NARROW: {
    means: "the path's MTU leaves less than 1280 bytes for the inner packet; the binding is not used",
    remedy: 'raise the MTU of the uplink, or take the tunnel kind with the smaller header',
  },
  FIREWALL_BYPASSED: {
    means: '`forwarding: fast` keeps packets from rules of netfilter that would see them in the stack',
    remedy: 'set `forwarding: auto` or `stack`, or leave it if that is meant; `coax doctor` names the rules',
  },
  FIREWALL_UNKNOWN: {
    means: 'the rules of netfilter could not be read; `forwarding: auto` means `stack` meanwhile',
    remedy: 'install nftables, or what the message names; or set `forwarding:` by hand',
  },
  IPSEC_BYPASSED: {
    means:
      '`forwarding: fast` keeps packets from IPsec policies of the kernel: what they would encrypt leaves as it is',
    remedy:
      'set `forwarding: auto` or `stack`, or leave it if that is meant; `coax doctor` names the policies, `ip xfrm policy` lists them',
  },
  IPSEC_UNKNOWN: {
    means: 'the IPsec policies of the kernel could not be read; `forwarding: auto` means `stack` meanwhile',
    remedy: 'give the daemon CAP_NET_ADMIN, or do what the message says; or set `forwarding:` by hand',
  },
  XDP_REFUSED: {
    means:
      'an XDP mode that the configuration asks for would give wrong answers here; TC carries the packets',
    remedy: 'the message says why; set `xdp.interfaces:` of that interface to `auto` or `off`',
  },
  NEXT_HOP_FAILED: {
    means: 'the next hop of a binding does not answer neighbour discovery: what is sent there is lost',
    remedy: "look at the uplink's router, or set `gateway:`; `ip -6 neigh` shows what the kernel knows",
  },
  PATH_SILENT: {
    means:
      'a binding sends and nothing has come back by it for the time of `silence:`; right only when the other end answers by another binding',
    remedy:
      '`coax bindings --probe` asks the path; look at filters on the way, and at the binding at the other end',
  },
  UPLINK_DROPS: {
    means: 'an interface counts packets that it could not send',
    remedy:
      "`ip -s -s link show dev NAME`; on a virtual link the other end's MTU may be smaller, a modem may be overloaded",
  },
  ECHO_FAILED: {
    means: 'the last echo on request (`coax bindings --probe`) by way of a binding was not answered',
    remedy:
      'look at filters that drop ICMPv6 or the care-of address, and at the way to the other end; then probe again',
  },
  REPAIRED: {
    means: 'somebody else removed something of ours, and it is there again (only in the log)',
    remedy: 'find out who; two programs that repair each other never come to rest',
  },
  REGISTRATION_REFUSED: {
    means: 'the home agent refuses to register a binding, or all; packets do not use it',
    remedy: 'the message has its reason; look at keys, prefixes and `registration:` at both ends',
  },
  REGISTRATION_UNANSWERED: {
    means: 'the home agent does not answer Binding Updates for a binding; they are sent on and on',
    remedy:
      'look whether it runs and can be reached by that uplink; a home agent that does not know this router says nothing',
  },
  REGISTRATION_SINGLE: {
    means: 'the home agent takes one care-of address only, so that one binding carries everything',
    remedy: 'a home agent with RFC 5648 takes several; it is asked again every hour',
  },
  UNEXPECTED: {
    means:
      'a run, an audit or a reading of the state of the kernel failed in a way that has no code of its own; it is tried again',
    remedy: 'please report it with the lines of the log around it',
  },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong now. */
export interface Problem {
  code: ProblemCode;
  message: string;
}
