import type { Action, Otherwise, Share } from '../policy/index.js';
import type { Path } from './document.js';
import type { BindingNames } from './policies.js';
import type { Report } from './report.js';
import type { RawPolicy } from './schema.js';

const ACTIONS = ['use', 'balance', 'copy', 'drop', 'bypass'] as const;

/** Reads what a policy does; undefined, after a report, when it does not say that or says it twice. */
export function readAction(
  raw: RawPolicy,
  bindings: BindingNames,
  path: Path,
  report: Report,
): { readonly action: Action; readonly otherwise: Otherwise } | undefined {
  const [kind, ...more] = ACTIONS.filter((key) => raw[key] !== undefined);
  if (kind === undefined) {
    report.at(
      path,
      'a policy needs an action',
      "write one of 'use: [a, b]', 'balance: {a: 3, b: 1}', 'copy: [a, b]', 'drop: true', 'bypass: true'",
    );
    return undefined;
  }
  for (const other of more) {
    const message = `a policy has one action, and this one has ${kind} already`;
    report.atKey([...path, other], message, 'remove one of the two');
  }
  if (more.length > 0) return undefined;
  const action = actionOf(raw, kind, bindings, path, report);
  if (raw.otherwise !== undefined && (action.kind === 'drop' || action.kind === 'bypass')) {
    report.atKey(
      [...path, 'otherwise'],
      `${action.kind} needs no binding, so that there is no otherwise`,
      'remove it',
    );
  }
  return { action, otherwise: raw.otherwise ?? 'next' };
}

function actionOf(
  raw: RawPolicy,
  kind: (typeof ACTIONS)[number],
  names: BindingNames,
  path: Path,
  report: Report,
): Action {
  switch (kind) {
    case 'use':
    case 'copy': {
      const bids = readBindings(raw[kind] ?? [], names, [...path, kind], report);
      if (kind === 'copy') checkCopies(bids, names, [...path, kind], report);
      return { kind, bindings: bids.flatMap((bid) => bid ?? []) };
    }
    case 'balance': {
      // Keys that are numbers have lost their place in the file, so the order is that of the BIDs.
      const given = Object.entries(raw.balance ?? {});
      const bids = readBindings(
        given.map(([reference]) => reference),
        names,
        [...path, kind],
        report,
      );
      const shares = given.flatMap(([, weight], at): Share[] => {
        const bid = bids[at];
        return bid === undefined ? [] : [{ bid, weight }];
      });
      return { kind, bindings: shares.sort((a, b) => a.bid - b.bid) };
    }
    case 'drop':
    case 'bypass':
      return { kind };
  }
}

/** A packet is prepared once for all copies, and the kinds of tunnel want it differently. */
function checkCopies(
  bids: readonly (number | undefined)[],
  { tunnels, copying }: BindingNames,
  path: Path,
  report: Report,
): void {
  const uncopied = bids.findIndex((bid) => bid !== undefined && tunnels.get(bid) === 'external');
  if (!copying && uncopied !== -1) {
    report.at(
      [...path, uncopied],
      'an external xfrm interface carries no copies',
      "write 'use', or give the bindings 'tunnel: device' with 'kind: xfrm'",
    );
    return;
  }
  const kinds = bids.map((bid) => (bid === undefined ? undefined : tunnels.get(bid)));
  const first = kinds.find((kind) => kind !== undefined);
  const other = kinds.findIndex((kind) => kind !== undefined && kind !== first);
  if (other === -1) return;
  report.at(
    [...path, other],
    `copies go by bindings of one tunnel kind; this one has tunnel: ${kinds[other]}, the first one ${first}`,
    'list bindings of one kind, or give them the same tunnel:',
  );
}

/** The BID of each reference; undefined, after a report, for what is unknown or there twice. */
function readBindings(
  references: readonly (string | number)[],
  bindings: BindingNames,
  path: Path,
  report: Report,
): (number | undefined)[] {
  const bids: (number | undefined)[] = [];
  for (const [position, reference] of references.entries()) {
    const found = bindings.bids.get(String(reference));
    const problem = (message: string, hint: string): void => {
      if (!bindings.clear) return;
      if (path.at(-1) === 'balance') report.atKey([...path, reference], message, hint);
      else report.at([...path, position], message, hint);
    };
    if (found === undefined) problem(`there is no binding ${JSON.stringify(reference)}`, bindings.listed);
    const twice = found !== undefined && bids.includes(found);
    if (twice) problem(`binding ${JSON.stringify(reference)} is listed twice`, 'remove one of the two');
    bids.push(twice ? undefined : found);
  }
  return bids;
}
