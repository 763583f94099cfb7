import { styleText } from 'node:util';

/** Colours of `util.styleText` that we use. */
export type Paint = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

/** Writes a result: JSON for programs, text for people. */
export function print(json: boolean, data: unknown, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : `${text()}\n`);
}

/** Colours a text when stdout is a terminal and NO_COLOR does not forbid it. */
export function paint(colour: Paint, text: string): string {
  return process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '' ? styleText(colour, text) : text;
}
