import { CX_SCHEMA } from '../datapath/index.js';
import type { BindingState, ChangeEvent, SwitchView } from '../views/index.js';
import type { Plan } from './plan.js';
import type { ProblemCode } from './problems.js';
import type { ReconcileReport } from './reconcile-report.js';

/** What can fail without anybody waiting for it. */
type Work = 'run' | 'audit' | 'monitor';

/** Why work fails, as `status` shows it. */
interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What is new after a run, told once: states, switches, attachments, generations, problems. */
export class News {
  readonly #tell: (change: ChangeEvent) => void;
  /** Since when is milliseconds since 1970. */
  readonly #states = new Map<number, { state: BindingState; since: number }>();
  readonly #told = new Map<Work, ReadonlySet<string>>();
  #lastSwitch: SwitchView | null = null;
  readonly #failures = new Map<Work, Failure>();
  readonly #ways = new Map<string, string>();

  constructor(tell: (change: ChangeEvent) => void) {
    this.#tell = tell;
  }

  get lastSwitch(): SwitchView | null {
    return this.#lastSwitch;
  }

  /** Since when a binding is in the state that it is in. */
  since(index: number): Date {
    return new Date(this.#states.get(index)?.since ?? Date.now());
  }

  /**
   * @param since when the kernel first said what the run acted on, `performance.now()`
   * @param before what was planned for the routers of the plan, where these are not all
   */
  publish(plan: Plan, report: ReconcileReport, since: number, before?: Plan): void {
    this.succeeded('run');
    const known = before?.routers.flatMap(({ bindings }) => bindings.map(({ index }) => index));
    this.#tellStates(plan, new Set(known ?? this.#states.keys()));
    this.#tellSwitches(report, since);
    if (before === undefined) this.#tellWays(plan);
    for (const item of report.changes?.attached ?? []) {
      this.#tell({ kind: 'interface', name: item.interface, from: 'none', to: item.program });
    }
    for (const name of report.changes?.detached ?? []) {
      this.#tell({ kind: 'interface', name, from: 'attached', to: 'none' });
    }
    for (const { interface: name, mode } of report.xdpChanges?.attached ?? []) {
      this.#tell({ kind: 'interface', name, from: 'tc', to: `xdp ${mode}` });
    }
    for (const name of report.xdpChanges?.detached ?? []) {
      this.#tell({ kind: 'interface', name, from: 'xdp', to: 'tc' });
    }
    if (report.generation) {
      this.#tell({ kind: 'generation', ...report.generation });
    }
    for (const schema of report.replaced) {
      this.#tell({ kind: 'schema', from: schema, to: CX_SCHEMA });
    }
    for (const what of report.repaired) {
      this.repaired(what);
    }
    if (before === undefined) this.problems('run', report.problems);
  }

  /** What is wrong now, in the eyes of a run or an audit; each is told when it is new. */
  problems(work: Work, list: readonly { code: string; message: string }[]): void {
    const before = this.#told.get(work);
    const now = new Set<string>();
    for (const { code, message } of list) {
      const name = `${code} ${message}`;
      if (!before?.has(name) && !now.has(name)) {
        this.#tell({ kind: 'problem', code, message });
      }
      now.add(name);
    }
    this.#told.set(work, now);
  }

  repaired(what: string): void {
    const message = `${what} was removed by somebody else and is there again`;
    this.#tell({ kind: 'problem', code: 'REPAIRED' satisfies ProblemCode, message });
  }

  /** A run, an audit or a reading of the kernel's state that failed; the same failure again and again is told once. */
  failed(what: Work, error: unknown): void {
    const message = String(error);
    if (message !== this.#failures.get(what)?.message) {
      const code =
        error instanceof Error && 'code' in error ? String(error.code) : ('UNEXPECTED' satisfies ProblemCode);
      this.#failures.set(what, { code, message });
      this.#tell({ kind: 'problem', code, message });
    }
  }

  /** What fails now, until it succeeds. */
  get failing(): Failure[] {
    return [...this.#failures.values()];
  }

  /** The next failure is news again, whatever it is. */
  succeeded(what: Work): void {
    this.#failures.delete(what);
  }

  /** @param gone the bindings there were; it is used up */
  #tellStates(plan: Plan, gone: Set<number>): void {
    for (const router of plan.routers) {
      for (const { index, bid, name, state } of router.bindings) {
        gone.delete(index);
        const before = this.#states.get(index);
        if (before?.state !== state) {
          this.#states.set(index, { state, since: Date.now() });
          if (before) {
            this.#tell({ kind: 'binding', router: router.name, bid, name, from: before.state, to: state });
          }
        }
      }
    }
    // An index that was given back may become another binding's.
    for (const index of gone) {
      this.#states.delete(index);
    }
  }

  /** Which way packets of the ingress interfaces take, also when only the reason is another. */
  #tellWays({ ingress }: Plan): void {
    for (const { interface: name, forwarding, why } of ingress) {
      const before = this.#ways.get(name);
      const now = `${forwarding}: ${why}`;
      if (before !== now) {
        this.#ways.set(name, now);
        const from = before?.split(':')[0] ?? null;
        this.#tell({ kind: 'forwarding', name, from, to: forwarding, why });
      }
    }
    const names = new Set(ingress.map((item) => item.interface));
    for (const name of this.#ways.keys()) {
      if (!names.has(name)) {
        this.#ways.delete(name);
      }
    }
  }

  #tellSwitches(report: ReconcileReport, since: number): void {
    for (const { plan, router, from = null, at } of report.switched) {
      const { bid, name } = plan;
      const to = plan.careOf?.toString() ?? null;
      const durationMs = Math.round((at - since) * 1000) / 1000;
      this.#lastSwitch = { router, bid, from, to, at: new Date().toISOString(), durationMs };
      if (from !== to) {
        this.#tell({ kind: 'care-of', router, bid, name, from, to, durationMs });
      }
    }
  }
}
