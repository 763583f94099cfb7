/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const RULESET_ERRORS = {
  NFT_MISSING: {
    means: 'the kernel has rules of netfilter, and there is no `nft` in /usr/sbin, /sbin, /usr/bin or /bin',
    remedy: 'install nftables; until then `forwarding: auto` means `stack`',
  },
  NFT_FAILED: {
    means: '`nft` could not list the rules in time, or what it said was too long',
    remedy: 'run the command that the message names; until it works `forwarding: auto` means `stack`',
  },
  NFT_UNREADABLE: {
    means: 'what `nft -j list ruleset` says could not be understood',
    remedy: 'please report it with the version of nftables; `forwarding: auto` means `stack` meanwhile',
  },
  IP6TABLES_MISSING: {
    means: 'the kernel has tables of ip6tables-legacy, and there is no program to list them',
    remedy: 'install iptables, or use nftables; until then `forwarding: auto` means `stack`',
  },
  IP6TABLES_FAILED: {
    means: '`ip6tables-legacy-save` could not list the rules in time, or what it said was too long',
    remedy: 'run the command that the message names; until it works `forwarding: auto` means `stack`',
  },
  IP6TABLES_UNREADABLE: {
    means: 'the kernel can have tables of ip6tables-legacy, and only root may see which',
    remedy: 'use nftables or iptables-nft and unload the modules ip6table_*, or set `forwarding:` by hand',
  },
} as const;

export type RulesetErrorCode = keyof typeof RULESET_ERRORS;

/** The rules of netfilter could not be read. */
export class RulesetError extends Error {
  override readonly name = 'RulesetError';
  readonly code: RulesetErrorCode;

  constructor(code: RulesetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
