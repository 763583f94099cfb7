/** The router segment of a path that means: the only router there is. */
export const ONLY_ROUTER = '-';
