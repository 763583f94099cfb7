import { addon } from '../native/addon.js';
import { native } from './errors.js';

/** Version of the libbpf that is loaded, such as `1.1`. */
export function libbpfVersion(): string {
  return native(() => addon().libbpfVersion()).replace(/^v/, '');
}
