import { API_ERRORS } from '../api/api-error.js';
import { SOCKET_ERRORS } from '../api/socket-error.js';
import { CAPTURE_ERRORS } from '../capture/capture-error.js';
import { CONTROLLER_ERRORS } from '../careof/controller-error.js';
import { PROBLEMS } from '../careof/problems.js';
import { CLI_ERRORS } from '../cli/cli-error.js';
import { CONFIG_ERRORS } from '../config/config-error.js';
import { DAEMON_ERRORS } from '../daemon/daemon-error.js';
import { DATAPATH_ERRORS } from '../datapath/datapath-error.js';
import { INSPECT_ERRORS } from '../inspect/inspect-error.js';
import { KEY_ERRORS } from '../keys/key-error.js';
import { ERRNO_HINTS, ERROR_CODES } from '../libbpf-ts/errors.js';
import { MOBILITY_ERRORS } from '../mobility/mobility-error.js';
import { ADDON_ERRORS } from '../native/addon-error.js';
import { ADDRESS_ERRORS } from '../net/address-error.js';
import { RULESET_ERRORS } from '../netfilter/ruleset-error.js';
import { NETLINK_ERRORS } from '../netlink/errors.js';
import { POLICY_ERRORS } from '../policy/policy-error.js';
import { REGISTRATION_ERRORS } from '../registration/registration-error.js';
import { SIGNALLING_ERRORS } from '../signalling/signalling-error.js';
import { REQUEST_ERRORS } from '../views/request-error.js';
import { code, page, prose, table } from './markdown.js';

/** What each code of a class means and what to do, as it stands beside the class. */
type ErrorTexts = Readonly<Record<string, { readonly means: string; readonly remedy: string }>>;

interface Section {
  title: string;
  /** The class that carries the codes; undefined: they are entries of `problems`. */
  of: string | undefined;
  errors: ErrorTexts;
}

/** Every table of codes there is; a test compares the list with the sources. */
const SECTIONS: readonly Section[] = [
  { title: 'What is wrong now: `problems` of `coax status`', of: undefined, errors: PROBLEMS },
  { title: 'Configuration file', of: 'ConfigError', errors: CONFIG_ERRORS },
  { title: 'Command line', of: 'UsageError', errors: CLI_ERRORS },
  { title: 'Requests to a daemon', of: 'RequestError', errors: REQUEST_ERRORS },
  { title: 'API', of: 'ApiError', errors: API_ERRORS },
  { title: 'Socket between daemon and clients', of: 'SocketError', errors: SOCKET_ERRORS },
  { title: 'Daemon', of: 'DaemonError', errors: DAEMON_ERRORS },
  { title: 'Controller', of: 'ControllerError', errors: CONTROLLER_ERRORS },
  { title: 'Files with keys', of: 'KeyError', errors: KEY_ERRORS },
  { title: 'Datapath', of: 'DatapathError', errors: DATAPATH_ERRORS },
  { title: 'Policies', of: 'PolicyError', errors: POLICY_ERRORS },
  { title: 'Questions of `coax explain`', of: 'InspectError', errors: INSPECT_ERRORS },
  { title: 'Captures', of: 'CaptureError', errors: CAPTURE_ERRORS },
  { title: 'Mobility headers', of: 'MobilityError', errors: MOBILITY_ERRORS },
  { title: 'Registration', of: 'RegistrationError', errors: REGISTRATION_ERRORS },
  { title: 'Signalling', of: 'SignallingError', errors: SIGNALLING_ERRORS },
  { title: 'Addresses', of: 'AddressError', errors: ADDRESS_ERRORS },
  { title: 'rtnetlink', of: 'NetlinkError, NetlinkDecodeError', errors: NETLINK_ERRORS },
  { title: 'Rules of netfilter', of: 'RulesetError', errors: RULESET_ERRORS },
  { title: 'BPF library', of: 'LibbpfTsError', errors: ERROR_CODES },
  { title: 'Native addon', of: 'AddonError', errors: ADDON_ERRORS },
];

/** The text of `docs/errors.md`. */
export function errorsPage(): string {
  return page('Errors', 'the tables beside the error classes in `src/`', [
    'Match on the code: it stays, the message may change. A message says what happened here; the hint behind it, or the table below, what to do.',
    ...SECTIONS.flatMap(({ title, of, errors }) => [
      `## ${title}`,
      ...(of === undefined
        ? [
            'They go away by themselves when the cause does. Codes of the sections below can be listed there, too.',
          ]
        : [`Class: ${code(of)}.`]),
      table(
        ['code', 'means', 'what to do'],
        Object.entries(errors).map(([name, { means, remedy }]) => [code(name), prose(means), prose(remedy)]),
      ),
    ]),
    "## The kernel's own",
    'What the kernel refuses carries the name of its errno as code (`BpfError`), or as `errnoName` (`NetlinkError`). Those with a meaning of their own here:',
    table(
      ['code', 'here'],
      Object.entries(ERRNO_HINTS).map(([name, hint]) => [code(name), prose(hint ?? '')]),
    ),
  ]);
}
