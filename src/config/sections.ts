import type * as z from 'zod';
import type { ConfigProblem } from './config-error.js';
import type { Path, YamlDocument } from './document.js';
import { homeAgentSchema, mobileRouterSchema } from './schema.js';
import { nearest, show, splitProblem } from './text.js';

/**
 * A file's settings as far as they are well-formed: a setting that is not is undefined, and so is the item
 * of a list that is not. The checks of meaning work on this, so that one run finds all problems.
 */
export type Sections<T> = {
  readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[]
    ? readonly (Item | undefined)[] | undefined
    : T[Key] | undefined;
};

export interface ReadSections<T> {
  /** Everything, if there is no problem. */
  readonly complete: T | undefined;
  readonly sections: Sections<T>;
  readonly problems: readonly ConfigProblem[];
}

/** Checks the form of every setting at the top of the file. */
export function readSections<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  items: Readonly<Record<string, z.ZodType>>,
  document: YamlDocument,
): ReadSections<z.output<z.ZodObject<Shape>>> {
  type Output = z.output<z.ZodObject<Shape>>;
  const result = schema.safeParse(document.value, { reportInput: true });
  if (result.success)
    return { complete: result.data, sections: result.data as Sections<Output>, problems: [] };

  const given = document.value as Readonly<Record<string, unknown>>;
  const sections: Record<string, unknown> = {};
  for (const [key, section] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const item = items[key];
    const value = section.safeParse(given[key]);
    if (value.success) sections[key] = value.data;
    else if (item && Array.isArray(given[key]))
      sections[key] = given[key].map((one) => item.safeParse(one).data);
  }
  return {
    complete: undefined,
    sections: sections as Sections<Output>,
    problems: result.error.issues.flatMap((issue) => problemsOf(issue, document)),
  };
}

function problemsOf(issue: z.core.$ZodIssue, document: YamlDocument): ConfigProblem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ');
    return issue.keys.map((key) => {
      const at = [...path, key];
      return document.problemAtKey(at, `unknown key ${show(key)}`, unknownKeyHint(key, known, path));
    });
  }
  const { message, hint } = splitProblem(issue.message);
  if (isMissing(document.value, path)) {
    return [document.problemAt(path, 'is missing', hint)];
  }
  return [document.problemAt(path, message, hint)];
}

function unknownKeyHint(key: string, known: readonly string[], path: Path): string {
  if (key === '<<') return 'merge keys are not supported, write the settings out';
  const near = nearest(key, known);
  if (near !== undefined) return `did you mean '${near}'?`;
  const role = path.length === 0 && roleThatKnows(key);
  if (role) return `it belongs to role: ${role}`;
  return `known here: ${known.join(', ')}`;
}

function roleThatKnows(key: string): string | undefined {
  if (Object.hasOwn(mobileRouterSchema.shape, key)) return 'mobile-router';
  return Object.hasOwn(homeAgentSchema.shape, key) ? 'home-agent' : undefined;
}

function isMissing(value: unknown, path: Path): boolean {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return false;
    if (!Object.hasOwn(current, step)) return true;
    current = (current as Record<string | number, unknown>)[step];
  }
  return false;
}
