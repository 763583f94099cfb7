import type { BindingState } from '../views/index.js';
import { type Paint, paint } from './output.js';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A number of bytes in at most four digits: `999 B`, `1.5 kB`, `12 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value).toString();
  return `${digits} ${UNITS[unit]}`;
}

/** A time span in its two largest units: `3 d 4 h`, `12 s`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** How long ago an ISO time was. */
export function formatSince(iso: string, now = Date.now()): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? '-' : formatSpan((now - at) / 1000);
}

/** A binding's state in the colour of what it means for traffic. */
export function formatState(state: BindingState): string {
  const colours: Partial<Record<BindingState, Paint>> = {
    usable: 'green',
    tentative: 'yellow',
    registering: 'yellow',
    deprecated: 'yellow',
    disabled: 'dim',
  };
  return paint(colours[state] ?? 'red', state);
}
