import type { Attachment, AttachmentChanges, XdpChanges } from '../datapath/index.js';
import { DatapathError } from '../datapath/index.js';
import { NetlinkError } from '../netlink/index.js';
import { shortageOf } from '../views/index.js';
import type { RoutingChanges } from './kernel-routing.js';
import type { BindingPlan } from './plan.js';
import type { XdpPlan } from './xdp.js';

/** What one run did that is worth telling. */
export interface ReconcileReport {
  /** Bindings whose row was switched. */
  switched: { plan: BindingPlan; router: string; from: string | undefined; at: number }[];
  generation: { from: number; to: number } | undefined;
  attachments: readonly Attachment[];
  changes: AttachmentChanges | undefined;
  /** Interfaces of the config that are not there. */
  missing: { name: string; role: Attachment['role'] }[];
  problems: { code: string; message: string }[];
  xdp: readonly XdpPlan[];
  xdpChanges: XdpChanges | undefined;
  /** What somebody else had removed and is there again, in words. */
  repaired: string[];
  /** Schemas of older versions whose state this one has replaced. */
  replaced: number[];
  /** When the next run is due although nothing happens, milliseconds from now. */
  dueInMs: number | undefined;
  /** When the next pair of outer addresses is to be refused, milliseconds from now. */
  pairsDueInMs: number | undefined;
  /** A run over everything came to its end. */
  isWhole: boolean;
}

/** Has the next run at the latest when something is due, milliseconds from now. */
export function runAgain(report: ReconcileReport, inMs: number | undefined): void {
  if (inMs !== undefined) report.dueInMs = Math.min(report.dueInMs ?? inMs, inMs);
}

/** A report of a run that has not begun. */
export function emptyReport(problems: ReconcileReport['problems']): ReconcileReport {
  return {
    switched: [],
    generation: undefined,
    attachments: [],
    changes: undefined,
    missing: [],
    xdp: [],
    xdpChanges: undefined,
    problems: [...problems],
    repaired: [],
    replaced: [],
    dueInMs: undefined,
    pairsDueInMs: undefined,
    isWhole: false,
  };
}

/**
 * Runs a step that depends on the kernel's mood or on the room in a map; what is refused is reported, and
 * tried again next time, but holds up nothing else.
 */
export async function guard(report: ReconcileReport, step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isRefusal(error)) {
      throw error;
    }
    report.problems.push(problemOf(error));
  }
}

/** An error that has a name and may pass. */
type Refusal = Error & { code: string; errnoName?: string | undefined };

/** What the kernel, a full map or a machine without room refuses; anything else is a fault of ours. */
export function isRefusal(error: unknown): error is Refusal {
  return (
    error instanceof NetlinkError ||
    error instanceof DatapathError ||
    (error instanceof Error && shortageOf(error) !== undefined)
  );
}

/** What an operator is told of it. */
export function problemOf(error: Refusal): { code: string; message: string } {
  return { code: error.errnoName ?? error.code, message: error.message };
}

/** Adds what happened to rules and routes. */
export function take(report: ReconcileReport, changes: RoutingChanges): void {
  report.repaired.push(...changes.repaired);
  report.problems.push(...changes.failed.map(problemOf));
}
