/** How long things take and how many there may be; milliseconds where nothing else is said. */

/** InitialBindackTimeoutFirstReg (RFC 6275 section 12): until the first registration is sent again. */
export const FIRST_TIMEOUT = 1500;
/** INITIAL_BINDACK_TIMEOUT (RFC 6275 section 12): the same for later ones. */
export const NEXT_TIMEOUT = 1000;
/** MAX_BINDACK_TIMEOUT (RFC 6275 section 12): timeouts double up to it. */
export const LONGEST_TIMEOUT = 32_000;

/** MAX_UPDATE_RATE (RFC 6275 section 12): Binding Updates within `RATE_WINDOW`. */
export const UPDATES_PER_WINDOW = 3;
export const RATE_WINDOW = 1000;

/** How long a Binding Update keeps others waiting; its answer is good later, too. */
export const TURN = 1500;
/** The same by way of an address where the last one was not answered. */
export const SUSPECT_TURN = 500;
/** So long after its last failure an address is trusted as before. */
export const FORGIVEN_AFTER = 60_000;
/** So many unanswered Binding Updates make another binding the single one. */
export const DEMOTED_AFTER = 3;
/** So many unanswered Binding Updates make a registration `unanswered`. */
export const UNANSWERED_AFTER = 3;

/** A refusal waits so long, twice as long each time, and no longer than the second number. */
export const REFUSAL_WAIT = 30_000;
export const LONGEST_REFUSAL_WAIT = 480_000;
/** Where authentication is not what the home agent wants: only an operator can change that. */
export const AUTHENTICATION_WAIT = 300_000;
/** What a home agent prohibits or does not know is asked for again so much later. */
export const PROHIBITED_WAIT = 3_600_000;

/** A registration is refreshed when this part of its lifetime has passed. */
export const REFRESH_PART = 0.8;
/** A home agent that asks for refreshes has one of a binding no earlier than this after the last one. */
export const REQUESTED_REFRESH_PAUSE = 10_000;

/** Answers in a row that are followed by another Binding Update at once (statuses 135 and 144). */
export const QUICK_ANSWERS = 2;
/** Binding Updates that remove everything, until nobody waits for an answer any more. */
export const REMOVAL_ATTEMPTS = 4;

/** Seconds. */
export const DEFAULT_LIFETIME = 600;
export const LIFETIME_UNIT = 4;
export const LONGEST_LIFETIME = 0xffff * LIFETIME_UNIT;

export const MOST_BINDINGS = 16;
export const MOST_PREFIXES = 16;
export const MOST_FLOWS = 64;
/** Bytes of one Flow Identification: beside everything else that there may be, one fits always. */
export const LONGEST_FLOW = 200;
/** Bytes of a mobility header: a packet of it fits into every IPv6 path (1280 bytes). */
export const LONGEST_MESSAGE = 1208;
