import type { Explanation, PacketView, ProgramStage, Stage } from '../inspect/index.js';
import { type Paint, paint } from './output.js';

/** Policies that do not match and are shown unless all are asked for. */
const MOST_SHOWN = 20;

const FATES: Readonly<Record<Explanation['fate'], Paint>> = {
  sent: 'green',
  stack: 'yellow',
  answered: 'yellow',
  dropped: 'red',
};

/** An explanation for people: the packet, each stage, the end. */
export function formatExplanation(explanation: Explanation, all: boolean): string {
  const { packet, stages, fate, text, instance, generation } = explanation;
  const told = stages.filter((stage) => stage.kind === 'program' && stage.agreement !== null);
  const agreement = !explanation.trustworthy
    ? paint('red', 'NOT TO BE TRUSTED, see below')
    : told.length === 0
      ? 'the attached programs; the policies were not asked'
      : 'the attached programs and the reference classifier say the same';
  return [
    title('packet', packetText(packet)),
    ...stages.flatMap((stage) => ['', ...stageLines(stage, all)]),
    '',
    title('answer', paint(FATES[fate], `it ${verb(text)}`)),
    title('by', `${agreement} (instance ${instance}, generation ${generation})`),
  ].join('\n');
}

/** What the stack does is a sentence of its own. */
function verb(text: string): string {
  return text.startsWith('the stack') ? `leaves us: ${text}` : text;
}

function title(name: string, text: string): string {
  return `${paint('bold', name.padEnd(9))} ${text}`;
}

function packetText(packet: PacketView): string {
  const port = (value: number | null): string => (value === null ? '' : ` port ${value}`);
  const parts = [
    `${packet.protocol} ${packet.source}${port(packet.sourcePort)} -> ${packet.destination}${port(packet.destinationPort)}`,
    ...(packet.icmpType === null ? [] : [`type ${packet.icmpType} code ${packet.icmpCode}`]),
    ...(packet.spi === null ? [] : [`spi 0x${packet.spi.toString(16)}`]),
    `${packet.length} bytes`,
    `dscp ${packet.dscp}`,
    ...(packet.flowLabel === 0 ? [] : [`flow label 0x${packet.flowLabel.toString(16)}`]),
    ...(packet.fragment === null ? [] : [`${packet.fragment} fragment`]),
    `hop limit ${packet.hopLimit}`,
    packet.interface === null ? 'sent by this machine' : `in by ${packet.interface}`,
    ...(packet.cgroup === null ? [] : [`cgroup ${packet.cgroup}`]),
    ...(packet.problem === null ? [] : [packet.problem]),
    ...(packet.mark === '0x0' ? [] : [`mark ${packet.mark} behind netfilter`]),
  ];
  return parts.join(', ');
}

function stageLines(stage: Stage, all: boolean): string[] {
  if (stage.kind === 'stack') return [title('stack', stage.text)];
  const { program, interface: name, tag, attachedTag } = stage;
  const same =
    attachedTag === null
      ? 'not attached'
      : attachedTag === tag
        ? 'as attached'
        : `attached is ${attachedTag}`;
  return [
    title('program', `${program} on ${name}, tag ${tag} (${same})`),
    ...policyLines(stage, all),
    ...(stage.mattered.length === 0
      ? []
      : [title('mattered', stage.mattered.map(({ field, values }) => `${field} ${values}`).join(', '))]),
    ...stage.bindings.map((one, at) =>
      title(
        at === 0 ? 'bindings' : '',
        `${one.taken ? paint('green', 'takes') : 'not  '} ${one.name} (BID ${one.bid}): ${one.why}`,
      ),
    ),
    ...departureLines(stage),
    title('so', `it ${stage.text} (${stage.hook} ${stage.reason})`),
    ...(stage.agreement === null
      ? []
      : [
          title(
            'reference',
            stage.agreement.agrees
              ? `the same: ${stage.agreement.reference}`
              : paint('red', `says ${stage.agreement.reference}, but the program ${stage.agreement.live}`),
          ),
        ]),
  ];
}

function policyLines({ policies, notAsked, router }: ProgramStage, all: boolean): string[] {
  const hidden = all ? 0 : Math.max(0, policies.length - 1 - MOST_SHOWN);
  // The last one is the one that matters most.
  const shown = hidden === 0 ? policies : [...policies.slice(0, MOST_SHOWN), ...policies.slice(-1)];
  const names = shown.map(({ name, registeredFid }) =>
    registeredFid === null ? name : `flow binding ${registeredFid}${router === null ? '' : ` of ${router}`}`,
  );
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = shown.map(({ priority, verdict, why, action }, at) => {
    const decides = verdict === 'decides' || verdict === 'mark-open';
    const mark = decides ? paint('green', 'yes') : verdict === 'inactive' ? paint('yellow', 'off') : 'no ';
    const text = decides ? `${why}: ${action}` : why;
    return `${mark} ${String(priority).padStart(5)} ${(names[at] ?? '').padEnd(width)}  ${text}`;
  });
  if (hidden > 0) lines.splice(MOST_SHOWN, 0, paint('dim', `${hidden} more do not match: --all`));
  if (notAsked > 0)
    lines.push(paint('dim', `${notAsked} behind it ${notAsked === 1 ? 'is' : 'are'} not asked`));
  return lines.map((line, at) => title(at === 0 ? 'policies' : '', line));
}

function departureLines({ outer, mtu, leaves, answer }: ProgramStage): string[] {
  const lines: string[] = [];
  if (mtu !== null) {
    const verdict = mtu.fits ? 'fits' : paint('red', 'is too big');
    lines.push(title('mtu', `${mtu.length} of ${mtu.mtu} bytes: ${verdict}`));
  }
  if (outer !== null) {
    const label = `0x${outer.flowLabel.toString(16).padStart(5, '0')}`;
    const fields = `hop limit ${outer.hopLimit}, flow label ${label}, traffic class 0x${outer.trafficClass.toString(16)}`;
    const made = outer.madeBy === 'the program' ? fields : `made by ${outer.madeBy}`;
    lines.push(title('outer', `${outer.source} -> ${outer.destination}, ${made}`));
  }
  if (leaves !== null) {
    const mac = leaves.nextHopMac === null ? '' : ` (${leaves.nextHopMac})`;
    lines.push(
      title(
        'leaves',
        `by BID ${leaves.bid} (${leaves.binding}) on ${leaves.interface} to ${leaves.nextHop}${mac}`,
      ),
    );
  }
  if (answer !== null) {
    const about =
      answer.mtu === null ? `ICMPv6 type ${answer.icmpType}` : `Packet Too Big with MTU ${answer.mtu}`;
    lines.push(title('answered', `${about} from ${answer.from} to ${answer.to}`));
  }
  return lines;
}
