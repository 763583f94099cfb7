/** An initramfs: a gzipped cpio archive of the form `newc` (Linux, Documentation/driver-api/early-userspace). */
import { gzipSync } from 'node:zlib';

export interface ArchiveEntry {
  /** Relative, without a leading slash. */
  readonly path: string;
  /** What a regular file has in it; a folder without. */
  readonly data?: Uint8Array;
  readonly executable?: boolean;
}

const FOLDER = 0o040755;
const FILE = 0o100644;
const EXECUTABLE = 0o100755;
const TRAILER = 'TRAILER!!!';

/** Folders must stand before what is in them. */
export function makeArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const parts = entries.map(({ path, data, executable }, index) =>
    member(path, data === undefined ? FOLDER : executable ? EXECUTABLE : FILE, index + 1, data),
  );
  return gzipSync(Buffer.concat([...parts, member(TRAILER, 0, 0)]), { level: 1 });
}

/** Header, name and data, each filled up to four bytes. */
function member(path: string, mode: number, inode: number, data: Uint8Array = new Uint8Array()): Buffer {
  const name = Buffer.from(`${path}\0`);
  const [uid, gid, links, time, device, checksum] = [0, 0, 1, 0, 0, 0];
  const fields = [
    ...[inode, mode, uid, gid, links, time, data.length],
    ...[device, device, device, device, name.length, checksum],
  ];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([filled(Buffer.concat([header, name])), filled(data)]);
}

function filled(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
