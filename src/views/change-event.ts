import type { BindingState } from './binding-view.js';

/** Something that changed by itself or by request; written to the log, one line each. */
export type ChangeEvent =
  | { kind: 'binding'; router: string; bid: number; name: string; from: BindingState; to: BindingState }
  | {
      kind: 'care-of';
      router: string;
      bid: number;
      name: string;
      from: string | null;
      to: string | null;
      /** From the kernel's report to the switch, milliseconds. */
      durationMs?: number | undefined;
    }
  | { kind: 'generation'; from: number; to: number }
  | { kind: 'interface'; name: string; from: string; to: string }
  /** An ingress interface goes over to the fast path or to the stack. */
  | { kind: 'forwarding'; name: string; from: string | null; to: string; why: string }
  /** The state of an older version was replaced by ours; numbers of the layouts. */
  | { kind: 'schema'; from: number; to: number }
  | { kind: 'problem'; code: string; message: string };
