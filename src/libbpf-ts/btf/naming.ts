/** How names of C become names of TypeScript; decoded objects and generated types agree by using these. */

/** `next_hop_mac` -> `nextHopMac`. Names without an underscore stay as they are. */
export function camelCase(name: string): string {
  return name.replace(/(?<=[^_])_+([^_])/g, (_, letter: string) => letter.toUpperCase());
}

/** `cx_row` -> `CxRow`. */
export function pascalCase(name: string): string {
  const camel = camelCase(name.replace(/^_+/, ''));
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}
