export type {
  Config,
  ExternalConfig,
  HomeAgentBinding,
  HomeAgentConfig,
  HomeAgentRegistration,
  IngressConfig,
  LimitsConfig,
  MobileRouterBinding,
  MobileRouterConfig,
  MobileRouterRegistration,
  NamedSet,
  RouterConfig,
  RoutingConfig,
  XdpConfig,
  XdpMode,
} from './config.js';
export { ConfigError, type ConfigErrorCode, type ConfigProblem, formatProblem } from './config-error.js';
export { type ReadingOptions, readConfig } from './config-reader.js';
export { otherDeviceName } from './device.js';
export { formatConfig } from './format.js';
export { type LintReport, lintConfigFile } from './lint.js';
export { loadConfig, parseConfig } from './load.js';
export { loadPlaces } from './places.js';
export { configJsonSchema, defaultBindingName, defaultSocket } from './schema.js';
export {
  type DeviceConfig,
  type Encapsulation,
  encapsulationOf,
  largestInner,
  leastPath,
  type TunnelKind,
  type WireguardConfig,
  type XfrmConfig,
} from './tunnel.js';
