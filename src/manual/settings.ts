import { configJsonSchema } from '../config/index.js';

/** One setting of the configuration file. */
export interface Setting {
  /** Such as `bindings[].care-of`. */
  path: string;
  type: string;
  /** As it is written in the file; undefined when there is none. */
  default: string | undefined;
  required: boolean;
  meaning: string;
}

/** The part of JSON Schema that our schema uses. */
interface Node {
  type?: string | string[];
  const?: string | boolean;
  enum?: string[];
  /** Ours: what a text must be, in words. */
  form?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  default?: unknown;
  description?: string;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
}

/** The settings of each role, in the order of the schema. */
export function settings(): Record<'mobile-router' | 'home-agent', Setting[]> {
  const { oneOf } = configJsonSchema() as { oneOf: Node[] };
  const ofRole = (role: string): Setting[] => {
    const root = oneOf.find((node) => node.properties?.role?.const === role);
    if (root === undefined) throw new Error(`the schema has no role ${role}`);
    return inside('', root);
  };
  return { 'mobile-router': ofRole('mobile-router'), 'home-agent': ofRole('home-agent') };
}

function inside(parent: string, node: Node): Setting[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const path = parent === '' ? key : `${parent}.${key}`;
    const own: Setting = {
      path,
      type: typeOf(child),
      default: defaultOf(child),
      required: node.required?.includes(key) === true,
      meaning: child.description ?? '',
    };
    return [own, ...(child.items ? inside(`${path}[]`, child.items) : inside(path, child))];
  });
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return node.enum.join(' or ');
  if (node.form !== undefined) return node.form.replace(/^an? /, '');
  if (node.type === 'integer') return `${node.minimum}..${node.maximum}`;
  if (node.type === 'object') return 'group';
  if (node.type === 'array' && node.items) {
    const { minItems, maxItems } = node;
    const most = maxItems === undefined ? ' or more' : ` to ${maxItems}`;
    const count = minItems === undefined ? '' : ` (${minItems}${most})`;
    return `list${count}: ${typeOf(node.items)}`;
  }
  throw new Error(`the schema has a type without words: ${JSON.stringify(node)}`);
}

/** Groups whose settings all have defaults need none of their own. */
function defaultOf(node: Node): string | undefined {
  if (node.type === 'object') return undefined;
  // Defaults of what is transformed are not in the schema of the input; a list that may be left out is empty.
  if (node.type === 'array') return node.minItems === undefined ? '[]' : undefined;
  return node.default === undefined ? undefined : String(node.default);
}
