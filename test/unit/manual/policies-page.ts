/** Reads the examples of docs/policies.md: a YAML block and the table of packets under it. */
import { type MobileRouterConfig, parseConfig } from '../../../src/config/index.js';
import { decide } from '../../../src/policy/index.js';
import { decisionText, packetOf } from '../../support/policy-words.js';

export interface Row {
  readonly packet: string;
  readonly usable: string;
  readonly answer: string;
  /** 1-based line of the page. */
  readonly line: number;
}

export interface Example {
  readonly yaml: string;
  readonly line: number;
  readonly rows: readonly Row[];
}

const HEAD = '| packet | usable | answer |';

/** The first block is the file that the others stand in; it has no table. */
export function examplesOf(page: string): { readonly frame: string; readonly examples: readonly Example[] } {
  const lines = page.split('\n');
  const blocks: Example[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```yaml') continue;
    const end = lines.indexOf('```', at);
    let next = end + 1;
    while (lines[next] === '') next++;
    const rows: Row[] = [];
    if (lines[next] === HEAD) {
      for (let row = next + 2; lines[row]?.startsWith('|'); row++) {
        const [, packet = '', usable = '', answer = ''] = (lines[row] ?? '')
          .split('|')
          .map((cell) => cell.trim());
        rows.push({ packet, usable, answer, line: row + 1 });
      }
    }
    blocks.push({ yaml: lines.slice(at + 1, end).join('\n'), line: at + 2, rows });
    at = end;
  }
  const [frame, ...examples] = blocks;
  return { frame: frame?.yaml ?? '', examples };
}

/** Runs an example; what is not as the page says, one line each. */
export function check(frame: string, { yaml, rows, line }: Example): string[] {
  let config: MobileRouterConfig;
  try {
    config = parseConfig(`${frame}\n${yaml}\n`, 'example') as MobileRouterConfig;
  } catch (error) {
    return [`line ${line}: ${String(error)}`];
  }
  const bindingOf = new Map(config.bindings.map(({ name, bid }) => [name, bid]));
  const names = {
    binding: (bid: number) => config.bindings.find((one) => one.bid === bid)?.name ?? `? ${bid}`,
    policy: (fid: number) => config.policies.find((one) => one.fid === fid)?.name ?? `? ${fid}`,
  };
  return rows.flatMap((row) => {
    try {
      const usable = usableOf(row.usable, bindingOf);
      const { packet, markKnown } = packetOf(row.packet);
      const answer = decisionText(
        decide(config, packet, { markKnown, usable: (bid) => usable.has(bid) }),
        names,
      );
      return answer === row.answer ? [] : [`line ${row.line}: ${row.packet}: ${answer}, not ${row.answer}`];
    } catch (error) {
      return [`line ${row.line}: ${String(error)}`];
    }
  });
}

function usableOf(words: string, bindings: ReadonlyMap<string, number>): Set<number> {
  if (words === 'all') return new Set(bindings.values());
  if (words === 'none') return new Set();
  return new Set(
    words.split(' ').map((name) => {
      const bid = bindings.get(name);
      if (bid === undefined) throw new Error(`there is no binding ${name}`);
      return bid;
    }),
  );
}
