/** What the datapath's policy table can hold, and the bits by which a row says what it compares. */
import {
  CX_DEFAULT_BINDINGS,
  CX_POLICIES_PER_ROUTER,
  CX_POLICY_BINDINGS,
  CxMatch,
} from '../datapath/generated.js';
import type { Selector } from './selector.js';

/** Most bindings one policy may list. */
export const BINDINGS_PER_POLICY = CX_POLICY_BINDINGS;
/** Most bindings of one router. */
export const BINDINGS_PER_ROUTER = CX_DEFAULT_BINDINGS;
/** Most policies of one router. */
export const POLICIES_PER_ROUTER = CX_POLICIES_PER_ROUTER;

/** Selector field -> bit of `enum cx_match`. */
export const MATCH: Readonly<Record<keyof Selector, number>> = {
  mark: CxMatch.MARK,
  source: CxMatch.SOURCE,
  destination: CxMatch.DESTINATION,
  protocol: CxMatch.PROTOCOL,
  sourcePort: CxMatch.SOURCE_PORT,
  destinationPort: CxMatch.DESTINATION_PORT,
};
