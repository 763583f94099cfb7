/** What netfilter does, as far as it matters to packets that are forwarded: chains, and what their rules touch. */

/** What a rule does to a packet beside matching, counting, accepting it and setting its mark. */
export type Touch = 'drops' | 'translates' | 'tracks' | 'changes';

/** Interfaces that a rule names: a packet that came in (or goes out) by another one is not matched. */
export interface InterfaceMatch {
  direction: 'in' | 'out';
  /** Names; one that ends with `*` stands for all that begin with what is before it. */
  names: readonly string[];
  /** All but these. */
  negated: boolean;
}

export interface Rule {
  /** Number by which `nft` deletes it; of the old ip6tables the position in its chain. */
  handle: number;
  /** As the tool that lists it writes it. */
  text: string;
  interfaces: readonly InterfaceMatch[];
  /** Chains it may jump to, by name. */
  calls: readonly string[];
  /** Empty when the packet goes on unchanged, but for its mark. */
  touches: readonly Touch[];
}

/** Where the kernel enters a base chain. */
export interface Hook {
  name: string;
  policy: 'accept' | 'drop';
  /** Devices of an ingress or egress hook; undefined where they are not known, and for other hooks. */
  devices: readonly string[] | undefined;
}

export interface Chain {
  family: string;
  table: string;
  name: string;
  /** Undefined for a chain that is only entered by a jump. */
  hook: Hook | undefined;
  rules: Rule[];
}

/** The chains of all tables that are in force. */
export type Ruleset = readonly Chain[];
