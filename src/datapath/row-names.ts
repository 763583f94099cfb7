import type { Btf } from '../libbpf-ts/index.js';
import { CX_REASON_ROWS, cxHookName, cxReasonName, cxSettingName } from './generated.js';
import type { MapName } from './map-catalogue.js';

/** An enumerator as people read it: `CX_REASON_DROP_SOURCE` of `enum cx_reason` -> `drop-source`. */
export function readable(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** The key of an array whose index means something; other keys as they are. */
export function nameKey(map: MapName, key: unknown): unknown {
  if (typeof key !== 'number') {
    return key;
  }
  if (map === 'cx_settings') {
    return readable(cxSettingName(key));
  }
  if (map === 'cx_reasons') {
    return {
      hook: readable(cxHookName(Math.floor(key / CX_REASON_ROWS))),
      reason: readable(cxReasonName(key % CX_REASON_ROWS)),
    };
  }
  return key;
}

/** Members whose decl tag says `enum:NAME` or `flags:NAME` as names; the others as they are. */
export function nameMembers(btf: Btf, typeId: number, value: unknown): unknown {
  const type = btf.type(typeId);
  if (type.kind !== 'struct' || typeof value !== 'object' || value === null) {
    return value;
  }
  const fields = Object.entries(value);
  return Object.fromEntries(
    fields.map(([field, content]) => {
      const at = type.members.findIndex((member) => camelCase(member.name) === field);
      const tag = btf.declTags(typeId, at).find((text) => /^(enum|flags):/.test(text));
      const [kind, name] = tag?.split(':') ?? [];
      return name === undefined || typeof content !== 'number'
        ? [field, content]
        : [field, kind === 'enum' ? enumText(btf, name, content) : flagsText(btf, name, content)];
    }),
  );
}

function enumText(btf: Btf, name: string, value: number): string | number {
  const enumerator = btf.enumName(name, value);
  return enumerator === undefined ? value : withoutPrefix(btf, name, enumerator);
}

/** `mac-known, no-link-header`; `-` for none; a bit without a name as a number. */
function flagsText(btf: Btf, name: string, value: number): string {
  const parts: string[] = [];
  for (let bit = 1; bit <= value; bit *= 2) {
    if (Math.floor(value / bit) % 2 === 1) {
      parts.push(String(enumText(btf, name, bit)));
    }
  }
  return parts.join(', ') || '-';
}

/** Drops the words that all enumerators of an enum begin with. */
function withoutPrefix(btf: Btf, name: string, enumerator: string): string {
  const type = btf.find(name, 'enum');
  const names = type?.kind === 'enum' ? type.values.map((each) => each.name.split('_')) : [];
  const words = enumerator.split('_');
  let shared = 0;
  while (shared < words.length - 1 && names.every((other) => other[shared] === words[shared])) {
    shared += 1;
  }
  return readable(words.slice(shared).join('_'));
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
