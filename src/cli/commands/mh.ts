import { type Command, InvalidArgumentError } from 'commander';
import { CommandStatus } from '../command-status.js';
import { EXIT } from '../exit-code.js';
import type { FoundMessage } from '../mobility-messages.js';
import { paint, print } from '../output.js';

interface DecodeOptions {
  json?: boolean;
  limit: number;
}

/** Messages that are shown unless more are asked for. */
const MOST_SHOWN = 1000;

/** `coax mh decode`: prints mobility headers; needs no root and no daemon. */
export function addMobilityHeaders(program: Command): void {
  program
    .command('mh')
    .description('mobility headers: the messages between mobile router and home agent')
    .command('decode')
    .description('print the mobility headers of hex digits or of a capture; status 1 when one is damaged')
    .argument('<input...>', 'hex digits of a mobility header, an IPv6 packet or a frame; a pcap file; or -')
    .option('--limit <messages>', `print at most so many messages (default: ${MOST_SHOWN})`, parseLimit)
    .option('--json', 'print JSON')
    .action(async (words: string[], { json, limit = MOST_SHOWN }: Partial<DecodeOptions>) => {
      const { packets, messages, more } = await decode(words, limit);
      const [{ formatMessage }, { plain }] = await Promise.all([
        import('../format-mobility.js'),
        import('../plain.js'),
      ]);
      print(json === true, plain({ packets, messages, more }), () =>
        [
          ...messages.map(formatMessage),
          ...(messages.length === 0 ? [nothingText(packets)] : []),
          ...(more === 0 ? [] : [paint('dim', `${more} more messages: --limit`)]),
        ].join('\n\n'),
      );
      const { isDamaged } = await import('../mobility-messages.js');
      if (messages.length === 0 || messages.some(isDamaged)) throw new CommandStatus(EXIT.FAILED);
    });
}

interface Decoded {
  /** Packets that were looked at; undefined for hex digits. */
  packets: number | undefined;
  messages: FoundMessage[];
  /** Messages that were left out. */
  more: number;
}

async function decode(words: readonly string[], limit: number): Promise<Decoded> {
  const [{ readMobilityInput }, { captureRecords }, { messageOfBytes, messageOfRecord }] = await Promise.all([
    import('../mobility-input.js'),
    import('../../capture/index.js'),
    import('../mobility-messages.js'),
  ]);
  const input = await readMobilityInput(words);
  if (input.kind === 'bytes') {
    const message = messageOfBytes(input.bytes);
    return { packets: undefined, messages: message === undefined ? [] : [message], more: 0 };
  }
  const all: Decoded = { packets: 0, messages: [], more: 0 };
  let packets = 0;
  for (const record of captureRecords(input.content, input.name)) {
    packets += 1;
    const message = messageOfRecord(record, packets);
    if (message === undefined) continue;
    if (all.messages.length < limit) all.messages.push(message);
    else all.more += 1;
  }
  return { ...all, packets };
}

function nothingText(packets: number | undefined): string {
  return packets === undefined
    ? 'no mobility header in it: it may be encrypted'
    : `no mobility header in ${packets} packets: they may be encrypted`;
}

function parseLimit(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('give a number of messages, 1 or more');
  return Number(text);
}
