/** What `coax explain` answers; `--json` prints it as it is. */
import type { MatteringField } from './mattering-bits.js';
import type { Mismatch } from './mismatch.js';

/** The packet, as its bytes tell; null is what it does not have. */
export interface PacketView {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly dscp: string;
  readonly ecn: number;
  readonly flowLabel: number;
  readonly spi: number | null;
  readonly icmpType: string | null;
  readonly icmpCode: number | null;
  readonly hopLimit: number;
  /** Bytes of the whole IPv6 packet. */
  readonly length: number;
  readonly fragment: 'first' | 'later' | null;
  /** Interface it comes in by; null for a packet of this machine. */
  readonly interface: string | null;
  readonly mark: string;
  readonly cgroup: string | null;
  /** Why what follows its fixed header cannot be read; null when it can. */
  readonly problem: string | null;
}

/** A binding that was looked at. */
export interface CandidateView {
  readonly bid: number;
  readonly name: string;
  readonly usable: boolean;
  readonly taken: boolean;
  readonly why: string;
  /** Its row now; null when it is not usable. */
  readonly careOf: string | null;
  readonly mtu: number | null;
}

/** A policy and what it said to the packet. */
export interface PolicyVerdictView {
  readonly fid: number;
  /** FID on the wire of a flow binding that the router has registered (RFC 6089); null: the policy is in the file. */
  readonly registeredFid: number | null;
  readonly name: string;
  readonly priority: number;
  readonly match: string;
  readonly action: string;
  readonly verdict: 'decides' | 'differs' | 'inactive' | 'mark-open';
  readonly differences: readonly Mismatch[];
  /** One sentence. */
  readonly why: string;
}

/** The header in front of the packet when it leaves. */
export interface OuterView {
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly flowLabel: number;
  readonly trafficClass: number;
  /** Who makes it: the program, a tunnel device, or an external one with this network identifier. */
  readonly madeBy: string;
}

/** How large it is and may be. */
export interface MtuView {
  readonly length: number;
  readonly mtu: number;
  readonly fits: boolean;
}

/** How it leaves. */
export interface LeavesView {
  readonly bid: number;
  readonly binding: string;
  readonly interface: string;
  readonly nextHop: string;
  /** Null while it is not resolved, or on a link without addresses. */
  readonly nextHopMac: string | null;
}

/** The ICMPv6 error that its sender gets. */
export interface AnswerView {
  readonly from: string;
  readonly to: string;
  readonly icmpType: number;
  readonly mtu: number | null;
}

/** What the two said; equal, or something is wrong. */
export interface AgreementView {
  readonly agrees: boolean;
  readonly live: string;
  /** The reference classifier over the configuration file. */
  readonly reference: string;
  /** Everything in which the two differ, one sentence each. */
  readonly differences: readonly string[];
}

/** One of our programs that met the packet. */
export interface ProgramStage {
  readonly kind: 'program';
  readonly program: string;
  readonly interface: string;
  readonly tag: string;
  /** Tag of the attached program; null when none is attached. */
  readonly attachedTag: string | null;
  readonly hook: string;
  readonly reason: string;
  readonly text: string;
  /** Null when it did not come as far as the policies; so is everything below. */
  readonly router: string | null;
  readonly markKnown: boolean | null;
  /** In the order in which they are asked, up to the one that decides. */
  readonly policies: readonly PolicyVerdictView[];
  /** Policies behind it, which are not asked. */
  readonly notAsked: number;
  readonly mattered: readonly MatteringField[];
  readonly bindings: readonly CandidateView[];
  readonly outer: OuterView | null;
  readonly mtu: MtuView | null;
  readonly leaves: LeavesView | null;
  readonly answer: AnswerView | null;
  readonly agreement: AgreementView | null;
}

/** What the kernel's own stack does between two of our programs. */
export interface StackStage {
  readonly kind: 'stack';
  readonly text: string;
}

export type Stage = ProgramStage | StackStage;

/** The whole answer. */
export interface Explanation {
  readonly instance: string;
  readonly generation: number;
  readonly packet: PacketView;
  readonly stages: readonly Stage[];
  /** What becomes of it in the end. */
  readonly fate: 'sent' | 'stack' | 'answered' | 'dropped';
  readonly text: string;
  /** The programs asked are those attached, and the reference classifier says the same. */
  readonly trustworthy: boolean;
  /** Why it is not; empty when it is. */
  readonly doubts: readonly string[];
}
