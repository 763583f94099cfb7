import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  visit,
} from 'yaml';
import { ConfigError, type ConfigProblem } from './config-error.js';

/** Steps from the top of the file to a value. */
export type Path = readonly (string | number)[];

/** Largest file that is read, bytes. */
export const MAX_FILE_SIZE = 16 * 1024 * 1024;
// The composer recurses; nesting without bounds would end the process, not just the parse.
const MAX_NESTING = 100;
const MAX_ALIASES = 1000;
/** Passed to the YAML library: bounds what aliases within aliases can expand to. */
const MAX_ALIAS_EXPANSION = 1000;

/** YAML text that is well-formed, and the way back from its values to lines and columns. */
export class YamlDocument {
  /** The content as plain values. */
  readonly value: unknown;
  readonly #file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  private constructor(file: string, document: Document.Parsed, lines: LineCounter, value: unknown) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
    this.value = value;
  }

  /** @throws ConfigError CONFIG_INVALID with every syntax error */
  static parse(text: string, file: string): YamlDocument {
    const lines = new LineCounter();
    const fail = (offset: number, message: string, hint: string): ConfigProblem => {
      const { line, col } = lines.linePos(offset);
      return { file, line, column: col, path: '', message, hint };
    };
    const document = compose(text, lines, fail);
    // After the first real syntax error the parser is out of step and what it adds is noise.
    const broken = document.errors.find((error) => error.code !== 'DUPLICATE_KEY');
    const problems = document.errors
      .filter((error) => error === broken || error.code === 'DUPLICATE_KEY')
      .map((error) => fail(error.pos[0], ...syntaxMessage(error.code, error.message, text, error.pos[0])));
    for (const warning of document.warnings) {
      problems.push(fail(warning.pos[0], warning.message, 'leave the tag or directive out'));
    }
    // To look at every value takes long, and most files have no alias.
    if (problems.length === 0 && text.includes('*')) problems.push(...aliasProblems(document, fail));
    if (problems.length > 0) throw new ConfigError('CONFIG_INVALID', problems);
    try {
      return new YamlDocument(file, document, lines, document.toJS({ maxAliasCount: MAX_ALIAS_EXPANSION }));
    } catch (error) {
      // The only thing left that toJS refuses: aliases that expand to too much.
      const hint = 'write the values out instead of nesting aliases';
      const message = 'aliases expand to too many values';
      throw new ConfigError('CONFIG_INVALID', [fail(firstAlias(document), message, hint)], { cause: error });
    }
  }

  /** A problem at the value that `path` leads to, or at the nearest place above it that exists. */
  problemAt(path: Path, message: string, hint: string): ConfigProblem {
    return this.#problem(path, this.#offset(path, false), message, hint);
  }

  /** A problem at the key that `path` ends with. */
  problemAtKey(path: Path, message: string, hint: string): ConfigProblem {
    return this.#problem(path, this.#offset(path, true), message, hint);
  }

  #problem(path: Path, offset: number, message: string, hint: string): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line, column: col, path: formatPath(path), message, hint };
  }

  #offset(path: Path, wantKey: boolean): number {
    let node: unknown = this.#document.contents;
    let offset = start(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const parent = isAlias(node) ? node.resolve(this.#document) : node;
      if (isMap(parent)) {
        const pair = parent.items.find((item) => keyText(item) === String(step));
        if (pair === undefined) break;
        const key = start(pair.key) ?? offset;
        node = pair.value;
        // An empty value has no place of its own worth showing.
        offset = (wantKey && depth === path.length - 1) || isEmpty(node) ? key : (start(node) ?? key);
      } else if (isSeq(parent) && typeof step === 'number') {
        node = parent.items[step];
        offset = start(node) ?? offset;
      } else break;
      if (node === undefined) break;
    }
    return offset;
  }
}

/** `bindings[0].bid` */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

type Fail = (offset: number, message: string, hint: string) => ConfigProblem;

/** What `parseDocument` does, with bounded nesting. */
function compose(text: string, lines: LineCounter, fail: Fail): Document.Parsed {
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  lines.addNewLine(0);
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    offset = parser.offset;
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_NESTING) {
      const hint = 'no setting is nested that deep, look for a bracket or dash too many';
      throw new ConfigError('CONFIG_INVALID', [fail(offset, 'values are nested too deep', hint)]);
    }
  }
  tokens.push(...parser.end());
  const composer = new Composer({
    version: '1.2',
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  });
  const documents = [...composer.compose(tokens, true, text.length)];
  const [first, second] = documents;
  // `compose` is called with forceDoc: there is always one.
  if (first === undefined) throw new Error('The YAML composer returned no document');
  if (second !== undefined) {
    const hint = "remove the '---' line and what follows, or put it into a file of its own";
    throw new ConfigError('CONFIG_INVALID', [
      fail(second.range[0], 'a second YAML document starts here', hint),
    ]);
  }
  return first;
}

function syntaxMessage(code: string, message: string, text: string, offset: number): [string, string] {
  const lineStart = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const line = text.slice(lineStart, text.indexOf('\n', offset) < 0 ? undefined : text.indexOf('\n', offset));
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:]+/.exec(text.slice(offset, offset + 80))?.[0] ?? '';
      return [`key '${key}' appears twice`, 'remove one of the two, or join their values'];
    }
    case 'TAB_AS_INDENT':
      return ['a tab is used as indentation', 'indent with spaces'];
    case 'BAD_INDENT':
      return ['the indentation does not fit the lines above', 'indent all settings of one group alike'];
    case 'MISSING_CHAR':
      return [`not closed: ${message.replaceAll('\n', ' ')}`, 'add the missing character'];
    case 'BLOCK_AS_IMPLICIT_KEY':
      if (/::\s*$/.test(line))
        return ["a value that ends in ':' reads as a key", 'write the address in quotes'];
      return [
        message.replaceAll('\n', ' '),
        "put the inner setting on a line of its own, or write '- ' before it",
      ];
    default:
      return [
        `not valid YAML: ${message.replaceAll('\n', ' ')}`,
        'correct the syntax; values with special characters need quotes',
      ];
  }
}

function aliasProblems(document: Document.Parsed, fail: Fail): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  let count = 0;
  visit(document, {
    Alias(_key, alias: Alias, ancestors) {
      const at = alias.range?.[0] ?? 0;
      if (++count > MAX_ALIASES) {
        problems.push(fail(at, `more than ${MAX_ALIASES} aliases`, 'write the values out'));
        return visit.BREAK;
      }
      const target = alias.resolve(document);
      if (target === undefined) {
        problems.push(
          fail(
            at,
            `alias '*${alias.source}' has no anchor before it`,
            `write '&${alias.source}' at the value it stands for`,
          ),
        );
      } else if (ancestors.includes(target)) {
        problems.push(
          fail(at, `alias '*${alias.source}' stands for what contains it`, 'write the value out'),
        );
      }
      return undefined;
    },
  });
  return problems;
}

function firstAlias(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias(_key, alias) {
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function keyText(pair: Pair<unknown, unknown>): string {
  const key = pair.key;
  return String(typeof key === 'object' && key !== null && 'value' in key ? key.value : key);
}

function isEmpty(node: unknown): boolean {
  return (
    node === null ||
    (typeof node === 'object' && 'value' in node && node.value === null && !('source' in node && node.source))
  );
}

function start(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
