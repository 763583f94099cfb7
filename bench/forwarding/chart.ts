// A bar chart as SVG text.

export interface Bar {
  readonly label: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Bars of a group have a colour of their own. */
  readonly group: number;
}

const WIDTH = 960;
const LABELS = 330;
const VALUES = 70;
const ROW = 24;
const BAR = 14;
const TOP = 48;
const COLOURS = ['#8a8f98', '#1b6ca8', '#c4642d', '#5b8c3e'];

const escaped = (text: string): string => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** Horizontal bars from zero, with a line from the least to the most of each. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const most = Math.max(1e-9, ...bars.map(({ max }) => max));
  const x = (value: number): number =>
    Number((LABELS + (value / most) * (WIDTH - LABELS - VALUES)).toFixed(1));
  const height = TOP + ROW * bars.length + 16;
  const rows = bars.map(({ label, median, min, max, group }, at) => {
    const [y, middle] = [TOP + ROW * at, TOP + ROW * at + BAR / 2];
    const colour = COLOURS[group % COLOURS.length] ?? '#000';
    return [
      `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${Number((x(median) - LABELS).toFixed(1))}" height="${BAR}" fill="${colour}"/>`,
      `<path d="M${x(min)} ${middle}H${x(max)}" stroke="#000"/>`,
      `<text x="${x(max) + 6}" y="${middle + 4}">${median.toPrecision(3)}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="12" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>
<text x="${WIDTH - 12}" y="24" text-anchor="end">${escaped(unit)}</text>
${rows.join('\n')}
</svg>
`;
}
