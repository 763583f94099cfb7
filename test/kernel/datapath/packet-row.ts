/** One row of a packet table and how it is checked. */
import type { ExecutionContext } from 'ava';
import { CxReason } from '../../../src/datapath/index.js';
import type { Packet } from '../../support/packet.js';
import { describePacket, packetDifference } from '../../support/packet-text.js';
import type {
  Action,
  Context,
  HookName,
  Outcome,
  ProgramName,
  ReasonName,
  TestDatapath,
  World,
} from './test-datapath.js';

export interface PacketRow {
  description: string;
  program: ProgramName;
  world: World;
  packet: Packet;
  context?: Context;
  hook: HookName;
  reason: ReasonName;
  /** What leaves; a packet that is left to the stack must be as it came, and of a dropped one nothing is asked. */
  expected?: Packet;
  /** Packets that are to be counted, if not one. */
  counted?: number;
  /** What is counted beside the reason. */
  also?: { reason: ReasonName; packets: number };
  /** Router and FID of the policy that is to be counted. */
  policy?: [router: number, fid: number];
}

export interface PacketTable {
  title: string;
  role: 'MOBILE_ROUTER' | 'HOME_AGENT';
  rows: readonly PacketRow[];
}

/** Identification of a packet of which no table sends the first fragment. */
export const UNKNOWN_PACKET = 0x9999;

/** The row of a later fragment of that packet, where a policy asks for what only the first one shows. */
export const alone = (row: PacketRow): PacketRow => ({
  ...row,
  also: { reason: 'ALSO_FRAGMENT_ALONE', packets: 1 },
});

/** What a program must answer for a reason, see enum cx_reason. */
export function actionOf(reason: ReasonName): Action {
  const number = CxReason[reason];
  const sent = number < CxReason.NOT_IPV6;
  const answered = number >= CxReason.PACKET_TOO_BIG && number < CxReason.DROP_TRUNCATED;
  return sent || answered ? 'redirect' : number < CxReason.DROP_TRUNCATED ? 'pass' : 'drop';
}

/** `INGRESS ENCAPSULATED` for what was counted. */
export function verdictText({ verdicts }: Pick<Outcome, 'verdicts'>): string {
  return verdicts.map(({ hook, reason }) => `${hook} ${reason}`).join(', ') || 'nothing counted';
}

/** Whether an IPv6 header is at the very start, as in the programs for interfaces without a link header. */
const hasLink = (program: ProgramName): boolean => !program.endsWith('_l3');

/** Runs a row and answers what is wrong, a line or a layered difference each. */
export async function checkRow(datapath: TestDatapath, row: PacketRow): Promise<string[]> {
  await datapath.become(row.world);
  const wrong: string[] = [];
  const link = hasLink(row.program);
  const packet = row.packet.bytes();
  const hits = row.policy ? datapath.policyHits(...row.policy) : 0;
  const outcome = datapath.run(row.program, packet, row.context);
  const wanted = [row.reason, ...(row.also ? [row.also.reason] : [])]
    .map((reason) => `${row.hook} ${reason}`)
    .join(', ');
  if (verdictText(outcome) !== wanted) {
    wrong.push(`verdict: expected ${wanted}, got ${verdictText(outcome)}`);
  }
  if (outcome.action !== actionOf(row.reason)) {
    wrong.push(`action: expected ${actionOf(row.reason)}, got ${outcome.action}`);
  }
  const [verdict, also] = outcome.verdicts;
  if (also?.packets !== row.also?.packets) {
    wrong.push(`counted beside: expected ${row.also?.packets}, got ${also?.packets}`);
  }
  if (verdict && (verdict.packets !== (row.counted ?? 1) || verdict.bytes !== packet.length)) {
    wrong.push(
      `counted: expected ${row.counted ?? 1} packets and ${packet.length} bytes, got ${verdict.packets} and ${verdict.bytes}`,
    );
  }
  if (row.policy && datapath.policyHits(...row.policy) - hits !== (row.counted ?? 1)) {
    wrong.push(`policy ${row.policy.join('/')} was not counted`);
  }
  const expected =
    row.expected?.bytes(outcome.data) ?? (actionOf(row.reason) === 'pass' ? packet : undefined);
  const difference = expected && packetDifference(expected, outcome.data, link);
  if (difference) {
    wrong.push(`packet: ${difference}`);
  }
  return wrong;
}

/** Fails the test with everything that is wrong and the packet that was sent. */
export async function expectRow(t: ExecutionContext, datapath: TestDatapath, row: PacketRow): Promise<void> {
  const wrong = await checkRow(datapath, row);
  const sent = describePacket(row.packet.bytes(), hasLink(row.program));
  t.is(wrong.length, 0, [row.description, ...wrong, 'sent:', ...sent.map((line) => `  ${line}`)].join('\n'));
}
