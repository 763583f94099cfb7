import type { Problem, ProblemCode } from './problems.js';

/** How long a next hop may take to answer before it is named, milliseconds; the kernel asks it three times. */
const RESOLVE_MS = 3000;

/** A binding that was found silent stays so for this many times `silence` after it has last sent. */
const QUIET_FACTOR = 6;

/** A binding that carries packets, as an audit sees it. */
export interface BindingSample {
  index: number;
  router: string;
  name: string;
  /** Care-of address, next hop and uplink as one text: with another one everything begins anew. */
  way: string;
  /** Name and number of the uplink. */
  interface: string;
  ifindex: number;
  nextHop: string | undefined;
  /** What the kernel knows of the next hop; `none` needed on links without neighbours. */
  neighbour: 'none' | 'resolved' | 'unresolved' | 'failed';
  /** Packets. */
  sent: number;
  received: number;
  /** What comes by it is not counted as its own: it is on the home link, where packets take the stack. */
  onlySends?: boolean;
}

/** Counters of what an interface could not send; they only rise. */
export interface UplinkSample {
  ifindex: number;
  interface: string;
  txDropped: number;
  txErrors: number;
}

/** What one audit saw. */
export interface HealthSample {
  /** Milliseconds of a clock that never jumps. */
  at: number;
  bindings: readonly BindingSample[];
  uplinks: readonly UplinkSample[];
  /** Where there are too many bindings for one look: some of them, or the last of them; undefined: all. */
  part?: 'some' | 'last';
}

/** Something that does not deliver although it looks usable. */
interface Finding extends Problem {
  /** Bindings by index; empty for an uplink that no binding uses now. */
  bindings: readonly number[];
}

interface BindingMemory {
  sample: BindingSample;
  /** The round in which it was last looked at. */
  round: number;
  /** When it first sent after it had last received. */
  unansweredSince: number | undefined;
  lastSent: number;
  silent: boolean;
  unresolvedSince: number | undefined;
  /** Words of the last echo that was not answered. */
  echo: string | undefined;
}

interface UplinkMemory {
  sample: UplinkSample;
  /** As of a binding. */
  round: number;
  /** When each counter last rose. */
  droppedAt: number | undefined;
  errorsAt: number | undefined;
}

/**
 * Finds paths that match and are usable but do not deliver, from what can be seen on this machine. Pure:
 * fed with samples, asked for findings; knows no clock and no kernel.
 */
export class Health {
  #silenceMs: number;
  #at = 0;
  /** In which all bindings are looked at once. */
  #round = 0;
  readonly #bindings = new Map<number, BindingMemory>();
  readonly #uplinks = new Map<number, UplinkMemory>();
  /** Of each binding of which there is something, since the last observation. */
  #codes: ReadonlyMap<number, readonly ProblemCode[]> | undefined;

  /** @param silenceMs how long a binding may send without receiving; 0: for ever */
  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  /** Another limit, after a reload. */
  set silenceMs(value: number) {
    this.#silenceMs = value;
    this.#codes = undefined;
  }

  observe({ at, bindings, uplinks, part }: HealthSample): void {
    this.#at = at;
    this.#codes = undefined;
    for (const sample of bindings) this.#bindings.set(sample.index, this.#nextBinding(sample, at));
    for (const sample of uplinks) this.#uplinks.set(sample.ifindex, this.#nextUplink(sample, at));
    if (part !== 'some') this.#endRound();
  }

  /** The answer to an echo by way of a binding; `failure` undefined: it came. What is not carried is forgotten. */
  echoed(index: number, failure: string | undefined): void {
    const memory = this.#bindings.get(index);
    if (memory) {
      memory.echo = failure;
      this.#codes = undefined;
    }
  }

  findings(): Finding[] {
    const findings: Finding[] = [];
    for (const memory of this.#bindings.values()) this.#addOfBinding(memory, findings);
    for (const memory of this.#uplinks.values()) this.#addOfUplink(memory, findings);
    return findings;
  }

  /** What was not seen in this round does not carry packets any more. */
  #endRound(): void {
    for (const memories of [this.#bindings, this.#uplinks]) {
      for (const [number, { round }] of memories) if (round !== this.#round) memories.delete(number);
    }
    this.#round += 1;
  }

  /** Codes of what is wrong with one binding. */
  codes(index: number): ProblemCode[] {
    this.#codes ??= codesByBinding(this.findings());
    return [...(this.#codes.get(index) ?? [])];
  }

  #nextBinding(sample: BindingSample, at: number): BindingMemory {
    const before = this.#bindings.get(sample.index);
    const unresolved = sample.neighbour === 'unresolved' || sample.neighbour === 'failed';
    const round = this.#round;
    if (before?.sample.way !== sample.way) {
      return {
        ...{ sample, round },
        unansweredSince: undefined,
        lastSent: at,
        silent: false,
        unresolvedSince: unresolved ? at : undefined,
        echo: undefined,
      };
    }
    const received = sample.received !== before.sample.received;
    const sent = sample.sent !== before.sample.sent && !sample.onlySends;
    const next = {
      ...{ sample, round },
      unansweredSince: received ? undefined : (before.unansweredSince ?? (sent ? at : undefined)),
      lastSent: sent ? at : before.lastSent,
      unresolvedSince: unresolved ? (before.unresolvedSince ?? at) : undefined,
      echo: received ? undefined : before.echo,
    };
    return { ...next, silent: this.#isSilent(next, before.silent, at) };
  }

  #isSilent(
    { unansweredSince, lastSent }: Pick<BindingMemory, 'unansweredSince' | 'lastSent'>,
    before: boolean,
    at: number,
  ): boolean {
    if (this.#silenceMs === 0 || unansweredSince === undefined) {
      return false;
    }
    const quiet = at - lastSent;
    // A single packet long ago proves nothing; one that is found silent may send ever more rarely (TCP).
    return before
      ? quiet <= this.#silenceMs * QUIET_FACTOR
      : at - unansweredSince >= this.#silenceMs && quiet < this.#silenceMs;
  }

  #nextUplink(sample: UplinkSample, at: number): UplinkMemory {
    const before = this.#uplinks.get(sample.ifindex);
    const rose = (field: 'txDropped' | 'txErrors'): boolean =>
      before !== undefined && sample[field] > before.sample[field];
    return {
      ...{ sample, round: this.#round },
      droppedAt: rose('txDropped') ? at : before?.droppedAt,
      errorsAt: rose('txErrors') ? at : before?.errorsAt,
    };
  }

  #addOfBinding({ sample, silent, unresolvedSince, echo }: BindingMemory, findings: Finding[]): void {
    const { index, router, name, nextHop, neighbour } = sample;
    const isWell = !silent && unresolvedSince === undefined && echo === undefined;
    if (isWell && neighbour !== 'failed') return;
    const of = `binding ${name} of ${router}`;
    const add = (code: ProblemCode, message: string): void => {
      findings.push({ code, message, bindings: [index] });
    };
    const late = unresolvedSince !== undefined && this.#at - unresolvedSince >= RESOLVE_MS;
    if (neighbour === 'failed' || late) {
      add('NEXT_HOP_FAILED', `${of}: the next hop ${nextHop} on ${sample.interface} does not answer`);
    }
    if (silent) {
      const seconds = this.#silenceMs / 1000;
      add('PATH_SILENT', `${of} sends by ${sample.interface}, and nothing has come back for ${seconds} s`);
    }
    if (echo !== undefined) {
      add('ECHO_FAILED', `${of}: ${echo}`);
    }
  }

  /** A counter that rose counts for as long as a binding may be silent, and at least ten seconds. */
  #addOfUplink({ sample, droppedAt, errorsAt }: UplinkMemory, findings: Finding[]): void {
    const span = Math.max(this.#silenceMs, 10_000);
    const recent = (when: number | undefined): boolean => when !== undefined && this.#at - when < span;
    const rising = [...(recent(droppedAt) ? ['tx_dropped'] : []), ...(recent(errorsAt) ? ['tx_errors'] : [])];
    if (rising.length === 0) return;
    const users = [...this.#bindings.values()].filter(
      ({ sample: { ifindex } }) => ifindex === sample.ifindex,
    );
    findings.push({
      code: 'UPLINK_DROPS',
      message: `${rising.join(' and ')} of ${sample.interface} rises`,
      bindings: users.map(({ sample: { index } }) => index),
    });
  }
}

/** Tens of thousands of bindings may be asked for one after the other. */
function codesByBinding(findings: readonly Finding[]): Map<number, ProblemCode[]> {
  const codes = new Map<number, ProblemCode[]>();
  for (const { code, bindings } of findings) {
    for (const index of bindings) {
      const known = codes.get(index);
      if (known) known.push(code);
      else codes.set(index, [code]);
    }
  }
  return codes;
}
