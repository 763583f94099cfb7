/** A table whose cells are Markdown already; a bar in a cell would end it, so it is escaped. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Text as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** Bare words in angle brackets would be taken for HTML. */
export function prose(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A page: its parts with an empty line in between, and the remark that it is made by a program. */
export function page(title: string, from: string, parts: readonly string[]): string {
  const remark = `<!-- Made by \`make docs\` from ${from}: change it there. -->`;
  return `${[`# ${title}`, remark, ...parts].join('\n\n')}\n`;
}
