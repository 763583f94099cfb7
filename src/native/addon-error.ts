/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const ADDON_ERRORS = {
  ADDON_NOT_FOUND: {
    means: 'no binary of the native addon could be loaded; the message lists every attempt',
    remedy: '`make build`; to run it the packages libbpf1 and libelf1 are needed',
  },
} as const;

/** No binary of the addon could be loaded. */
export class AddonError extends Error {
  readonly code = 'ADDON_NOT_FOUND' satisfies keyof typeof ADDON_ERRORS;
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
