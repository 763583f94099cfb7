/** No binary of the addon could be loaded. */
export class AddonError extends Error {
  readonly code = 'ADDON_NOT_FOUND';
  readonly attempts: readonly { path: string; reason: string }[];

  constructor(attempts: readonly { path: string; reason: string }[]) {
    const tried = attempts.map(({ path, reason }) => `  ${path}: ${reason}`).join('\n');
    super(
      `Cannot load the native addon. Tried:\n${tried}\n` +
        'Build it with "make build" (Debian: apt install libbpf-dev libelf-dev zlib1g-dev g++ make pkg-config python3); ' +
        'to run it the packages libbpf1 and libelf1 are enough.',
    );
    this.name = 'AddonError';
    this.attempts = attempts;
  }
}
