/** libbpf for Node: BPF objects, maps, programs, links, ring buffers and type information. */
export { AddonError } from '../native/addon-error.js';
export { formatIpv4, formatIpv6, formatMac, parseIpv4, parseIpv6, parseMac } from './address-text.js';
export { attachCgroupSocketCreate } from './attach-cgroup.js';
export { attachClsact, ClsactFilter, type ClsactOptions } from './attach-clsact.js';
export { type AttachedPrograms, attachTcx, queryTcx } from './attach-tcx.js';
export { type AttachXdpOptions, attachXdp, queryXdp, type XdpMode, type XdpState } from './attach-xdp.js';
export { Btf } from './btf/btf.js';
export type { Codec } from './btf/codec.js';
export { camelCase, pascalCase } from './btf/naming.js';
export type { BtfEnumerator, BtfKind, BtfMember, BtfType } from './btf/types.js';
export { type GenerateOptions, generateTypes } from './codegen.js';
export {
  ArgumentError,
  BpfError,
  BtfError,
  ClosedError,
  ERROR_CODES,
  type ErrorCode,
  errnoName,
  LibbpfTsError,
  NotFoundError,
  StateError,
  VerifierError,
} from './errors.js';
export { type Feature, features, type KnownHelper } from './features.js';
export { gracePeriod } from './grace-period.js';
export {
  type KnownMapType,
  type KnownProgramType,
  type LinkType,
  MapFlags,
  type MapType,
  type ProgramType,
  TestRunFlags,
  UpdateFlags,
} from './kernel-types.js';
export { libbpfVersion } from './libbpf-version.js';
export { BpfLink, type Direction, type LinkInfo } from './link.js';
export { LoadedObject } from './loaded-object.js';
export { BpfMap, type MapCreation, type MapInfo } from './map.js';
export type { TypedMapOptions } from './map-types.js';
export { NamedTable } from './named-table.js';
export {
  currentNetworkNamespace,
  type NetworkNamespace,
  networkNamespaceCookie,
} from './network-namespace.js';
export { BpfObject, type OpenOptions } from './object.js';
export { MapSpec, ProgramSpec } from './object-spec.js';
export { possibleCpus } from './possible-cpus.js';
export { BpfProgram, type ProgramInfo, type TestRun, type TestRunResult } from './program.js';
export { RingBuffer, type RingBufferOptions } from './ring-buffer.js';
export { TypedMap } from './typed-map.js';
export { VariableSection } from './variable-section.js';
