/** What the datapath's policy table can hold. */
import {
  CX_CGROUP_BYPASSES,
  CX_CGROUP_LEVELS,
  CX_DEFAULT_BINDINGS,
  CX_POLICY_BINDINGS,
} from '../datapath/generated.js';

/** Most bindings one policy may list. */
export const BINDINGS_PER_POLICY = CX_POLICY_BINDINGS;
/** Most bindings of one router. */
export const BINDINGS_PER_ROUTER = CX_DEFAULT_BINDINGS;
/** Deepest cgroup a policy may name, levels below the root. */
export const CGROUP_LEVELS = CX_CGROUP_LEVELS;
/** Added to the number of a cgroup whose sockets bypass us. */
export const CGROUP_BYPASSES = CX_CGROUP_BYPASSES;
