import * as z from 'zod';
import type { Chain, Hook, Rule, Ruleset } from './ruleset.js';
import { RulesetError } from './ruleset-error.js';
import { readStatements, statementSchema } from './statement.js';

const place = { family: z.string(), table: z.string() };

const chainSchema = z.object({
  ...place,
  name: z.string(),
  hook: z.string().optional(),
  policy: z.enum(['accept', 'drop']).optional(),
});

const ruleSchema = z.object({
  ...place,
  chain: z.string(),
  handle: z.number(),
  expr: z.array(statementSchema),
});

const documentSchema = z.object({
  nftables: z.array(z.object({ chain: chainSchema.optional(), rule: ruleSchema.optional() })),
});

const key = (...words: (string | number)[]): string => words.join('\n');

/**
 * Reads `nft -j list ruleset`, and from `nft -a list ruleset` what the former leaves out: the rules' own
 * words, the devices of ingress chains and tables that are asleep.
 * @throws RulesetError NFT_UNREADABLE
 */
export function parseRuleset(json: string, text: string): Ruleset {
  const { nftables } = parseDocument(json);
  const listing = readListing(text);
  const chains = new Map<string, Chain>();
  for (const { chain } of nftables) {
    if (chain && !listing.asleep.has(key(chain.family, chain.table))) {
      const { family, table, name } = chain;
      const hook = chain.hook === undefined ? undefined : hookOf(chain, chain.hook, listing);
      chains.set(key(family, table, name), { family, table, name, hook, rules: [] });
    }
  }
  for (const { rule } of nftables) {
    const chain = rule && chains.get(key(rule.family, rule.table, rule.chain));
    const read = rule && readStatements(rule.expr);
    if (chain && read) {
      const text = listing.rules.get(key(rule.family, rule.table, rule.chain, rule.handle));
      chain.rules.push({ handle: rule.handle, text: text ?? words(rule.expr), ...read } satisfies Rule);
    }
  }
  return [...chains.values()];
}

function parseDocument(json: string): z.output<typeof documentSchema> {
  try {
    return documentSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new RulesetError(
      'NFT_UNREADABLE',
      'what "nft -j list ruleset" says could not be understood: look at it, and update nftables',
      { cause },
    );
  }
}

function hookOf(chain: z.output<typeof chainSchema>, name: string, listing: Listing): Hook {
  const devices = listing.devices.get(key(chain.family, chain.table, chain.name));
  return { name, policy: chain.policy ?? 'accept', devices };
}

function words(statements: readonly Record<string, unknown>[]): string {
  return statements.map((statement) => JSON.stringify(statement)).join(' ');
}

interface Listing {
  rules: Map<string, string>;
  devices: Map<string, readonly string[]>;
  asleep: Set<string>;
}

/** Line by line: nft writes a rule on one line, however long, and its handle behind it. */
function readListing(text: string): Listing {
  const listing: Listing = { rules: new Map(), devices: new Map(), asleep: new Set() };
  let table: string[] = [];
  let chain: string | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const [, block, name = ''] = /^(table|chain|map|set|flowtable) (.*?) \{/.exec(line) ?? [];
    if (block !== undefined) {
      table = block === 'table' ? name.split(' ') : table;
      chain = block === 'chain' ? name : undefined;
      continue;
    }
    if (/^flags .*\bdormant\b/.test(line) && chain === undefined) {
      listing.asleep.add(key(...table));
    }
    if (chain === undefined) {
      continue;
    }
    const [, words, handle] = /^(.*) # handle (\d+)$/.exec(line) ?? [];
    if (words !== undefined) {
      listing.rules.set(key(...table, chain, Number(handle)), words);
    } else if (/^type \S+ hook /.test(line)) {
      const [, several, one] = / devices? (?:= )?(?:\{([^}]*)\}|"?([^\s"]+)"?)/.exec(line) ?? [];
      const names = (several ?? one)?.split(',').map((device) => device.trim().replaceAll('"', ''));
      if (names) {
        listing.devices.set(key(...table, chain), names);
      }
    }
  }
  return listing;
}
