import { existsSync, unlinkSync } from 'node:fs';
import {
  BpfError,
  BpfMap,
  BpfObject,
  type BpfProgram,
  features,
  type LoadedObject,
  networkNamespaceCookie,
} from '../libbpf-ts/index.js';
import { MacAddress } from '../net/index.js';
import { type Attachment, type AttachmentChanges, Attachments } from './attachments.js';
import { DatapathError } from './datapath-error.js';
import { type CxRole, CxSetting } from './generated.js';
import { inherit } from './inheritance.js';
import type { Instance } from './instance.js';
import { LAYOUT_PIN, pinLayout } from './layout.js';
import { type DatapathLimits, MAP_NAMES, type MapName, mapSizes } from './map-catalogue.js';
import { type DumpedRow, dumpMap, type MapSummary, summarizeMap } from './map-dump.js';
import { objectFile } from './object-file.js';
import { Signals } from './signals.js';
import { SOCKET_PROGRAM, SocketAttachment } from './socket-attachment.js';
import { Tables } from './tables.js';
import { TcPrograms } from './tc-programs.js';
import { XdpAttachments } from './xdp-attachments.js';
import { loadXdpObject, type SharedConstants } from './xdp-object.js';

/** What is needed to load or adopt a datapath. */
export interface DatapathOptions {
  instance: Instance;
  role: CxRole;
  limits: DatapathLimits;
  /** Whether one xfrm interface is for several bindings, which takes programs that not all kernels load. */
  externalXfrm?: boolean;
}

/**
 * The loaded programs and their pinned maps: the only thing of coaxial that touches either. Everything is
 * pinned, so closing it leaves traffic flowing; opening it again adopts what is there.
 */
export class Datapath extends Tables implements Disposable {
  readonly instance: Instance;
  /** Whether the maps were there before. */
  readonly adopted: boolean;
  /** The schema whose state this one was made from, when it was. */
  readonly inheritedFrom: number | undefined;
  /** MAC of the home interface and of both ends of an external tunnel. */
  readonly homeMac: MacAddress;
  readonly attachments: Attachments;
  readonly sockets: SocketAttachment;
  readonly xdp: XdpAttachments;
  readonly #object: LoadedObject;
  readonly #programs: TcPrograms;
  readonly #shared: SharedConstants;
  #xdpObject: Promise<LoadedObject> | undefined;
  #xdpPrograms: LoadedObject['programs'] | undefined;

  private constructor(
    instance: Instance,
    programs: TcPrograms,
    homeMac: MacAddress,
    shared: SharedConstants,
    origin: { adopted: boolean; inheritedFrom: number | undefined },
  ) {
    super((name) => programs.object.maps.get(name));
    this.instance = instance;
    this.adopted = origin.adopted;
    this.inheritedFrom = origin.inheritedFrom;
    this.homeMac = homeMac;
    this.#object = programs.object;
    this.#programs = programs;
    this.#shared = shared;
    this.attachments = new Attachments(instance, (name): BpfProgram => programs.get(name));
    this.sockets = new SocketAttachment(instance, () => programs.get(SOCKET_PROGRAM));
    this.xdp = new XdpAttachments(instance, (name): BpfProgram => {
      if (this.#xdpPrograms === undefined) throw new Error('the XDP programs are not loaded');
      return this.#xdpPrograms.get(name);
    });
  }

  /**
   * Loads the programs over the instance's pinned maps, or over new ones which are then pinned. Beside the
   * state of an older version the new maps take over what cannot be derived; packets keep using the old ones
   * until `takeOver`.
   * @throws DatapathError; BpfError and VerifierError of the load
   */
  static async open({ instance, role, limits, externalXfrm = false }: DatapathOptions): Promise<Datapath> {
    if (externalXfrm) needXfrmInfo();
    instance.discardFilling();
    instance.create();
    Attachments.refuseElsewhere(instance);
    const path = objectFile(externalXfrm ? 'tc-xfrm.bpf.o' : 'tc.bpf.o');
    const object = BpfObject.open(path);
    const pinned = new Map<MapName, BpfMap>();
    try {
      const sizes = mapSizes(limits);
      const there = MAP_NAMES.filter((name) => existsSync(instance.mapPin(name)));
      // Maps refer to each other by number: where some are missing, the rest means nothing. Packets keep the
      // old ones, whole, until the programs are replaced.
      const adopt = there.length === MAP_NAMES.length;
      for (const name of MAP_NAMES) {
        const spec = object.maps.get(name);
        spec.maxEntries = sizes[name] ?? spec.maxEntries;
        if (adopt) {
          const live = BpfMap.fromPin(instance.mapPin(name));
          pinned.set(name, live);
          checkPinned(instance, name, live, spec);
          spec.reuse(live);
        }
      }
      const shared = { role, fragmentSecret: [...crypto.getRandomValues(new Uint32Array(4))] };
      const homeMac = MacAddress.parse(String(object.rodata.get('cx_home_mac')));
      const constants = { ...shared, networkNamespace: networkNamespaceCookie() };
      const programs = await TcPrograms.load(object, path, constants).catch((error: unknown) => {
        throw externalXfrm ? whyNoXfrmInfo(error) : error;
      });
      const { object: loaded } = programs;
      try {
        if (!adopt) {
          for (const name of there) {
            unlinkSync(instance.mapPin(name));
          }
        }
        const predecessor = instance.filling ? instance.predecessors()[0] : undefined;
        if (predecessor && loaded.btf) {
          inherit(predecessor, instance.name, (name) => loaded.maps.get(name), loaded.btf);
        }
        const origin = { adopted: adopt, inheritedFrom: predecessor?.schema };
        const datapath = new Datapath(instance, programs, homeMac, shared, origin);
        datapath.#takeRole(role);
        // Not before: what was refused leaves no pins behind.
        datapath.restorePins();
        return datapath;
      } catch (error) {
        programs.close();
        throw error;
      }
    } finally {
      object.close();
      for (const live of pinned.values()) {
        live.close();
      }
    }
  }

  /**
   * Makes what is attached equal to `desired`, with what that takes loaded first; see `Attachments.sync`.
   * @throws BpfError and VerifierError of the load
   */
  async attach(desired: readonly Attachment[], ifindexes: readonly number[]): Promise<AttachmentChanges> {
    await this.#programs.need(desired.map(({ program }) => program));
    return this.attachments.sync(desired, ifindexes);
  }

  /** The same for the program of sockets. @throws DatapathError ATTACH_FAILED; BpfError and VerifierError of the load */
  async markSockets(wanted: boolean): Promise<void> {
    if (wanted) await this.#programs.need([SOCKET_PROGRAM]);
    this.sockets.sync(wanted);
  }

  /**
   * Loads the XDP programs over the same maps, once: most machines have no use for them. `xdp.sync` needs them.
   * @throws BpfError and VerifierError of the load
   */
  async loadXdp(): Promise<void> {
    this.#xdpObject ??= loadXdpObject(this.#object, this.#shared);
    try {
      this.#xdpPrograms = (await this.#xdpObject).programs;
    } catch (error) {
      // Tried again the next time.
      this.#xdpObject = undefined;
      throw error;
    }
  }

  /** Mobility headers to addresses of ours, from now on given to the daemon. One reader at a time. */
  signals(): Signals {
    return new Signals(this.#object.maps.get('cx_signals'));
  }

  #takeRole(role: CxRole): void {
    const was = this.settings.get(CxSetting.ROLE);
    if (was !== 0 && was !== role + 1) {
      throw new DatapathError(
        'ROLE_CHANGED',
        `instance ${this.instance.name} runs in the other role`,
        `"coax down --instance ${this.instance.name}" first, or choose another instance name`,
      );
    }
    this.settings.set(CxSetting.ROLE, role + 1);
  }

  /** Is this state still being made beside an older one? Nothing of it may be attached before `takeOver`. */
  get filling(): boolean {
    return this.instance.filling;
  }

  /**
   * The state is complete: from here on a restart adopts it, and `attachments.sync` exchanges the programs of
   * the older version one by one. `releasePredecessors` when none is left.
   */
  takeOver(): void {
    this.instance.complete();
  }

  /** Removes the states of older versions, which nothing uses any more; returns their schemas. */
  releasePredecessors(): number[] {
    return this.instance.removePredecessors();
  }

  /** Puts pins of maps back that somebody removed; returns their names. */
  restorePins(): string[] {
    const missing = MAP_NAMES.filter((name) => !existsSync(this.instance.mapPin(name)));
    const layout = this.instance.mapPin(LAYOUT_PIN);
    const layoutMissing = !existsSync(layout);
    if (missing.length > 0 || layoutMissing) {
      this.instance.makeDirectories();
    }
    for (const name of missing) {
      this.#object.maps.get(name).pin(this.instance.mapPin(name));
    }
    if (layoutMissing && this.#object.btf) {
      pinLayout(layout, this.#object.btf.bytes);
      return [...missing, LAYOUT_PIN];
    }
    return missing;
  }

  /** Our maps in one line each. */
  maps(): MapSummary[] {
    return MAP_NAMES.map((name) => summarizeMap(name, this.#object.maps.get(name), this.#object.btf));
  }

  /** One map with its rows decoded; undefined if there is none of that name. */
  dump(name: string): { summary: MapSummary; rows: DumpedRow[] } | undefined {
    const known = MAP_NAMES.find((candidate) => candidate === name);
    if (!known) {
      return undefined;
    }
    const map = this.#object.maps.get(known);
    return {
      summary: summarizeMap(known, map, this.#object.btf),
      rows: dumpMap(known, map, this.#object.btf),
    };
  }

  /** Closes the handles; pins, and with them traffic, stay. */
  close(): void {
    this.#xdpObject?.then(
      (object) => object.close(),
      () => undefined,
    );
    this.#programs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @throws DatapathError XFRM_INFO_REFUSED where the kernel has not what one xfrm interface for several needs */
function needXfrmInfo(): void {
  const { supported } = features.moduleFunction('bpf_skb_set_xfrm_info', 'xfrm_interface');
  if (!supported) throw xfrmInfoRefused('this kernel has no bpf_skb_set_xfrm_info, which came with 6.2');
}

/** Why the programs for it were not loaded, in words of its own where it is known. */
function whyNoXfrmInfo(error: unknown): unknown {
  // libbpf 1.1 says EINVAL, and the reason in its log: the function that is there was not found.
  if (!(error instanceof BpfError) || !/module BTFs|EPERM/.test(error.message)) return error;
  return xfrmInfoRefused('it takes CAP_SYS_ADMIN to find bpf_skb_set_xfrm_info', error);
}

function xfrmInfoRefused(why: string, cause?: unknown): DatapathError {
  return new DatapathError(
    'XFRM_INFO_REFUSED',
    `external: {kind: xfrm} does not work here: ${why}`,
    "write 'tunnel: device' with 'device: {kind: xfrm, keys: FILE}' in the bindings instead",
    { cause },
  );
}

/** Refuses a pinned map that is not as the object has it. @throws DatapathError */
export function checkPinned(
  instance: Instance,
  name: MapName,
  live: BpfMap,
  spec: { type: string; keySize: number; valueSize: number; maxEntries: number },
): void {
  if (live.type !== spec.type || live.keySize !== spec.keySize || live.valueSize !== spec.valueSize) {
    throw new DatapathError(
      'PINNED_STATE_UNREADABLE',
      `the pinned map ${name} of instance ${instance.name} has another layout`,
      `remove the state with "coax down --instance ${instance.name}"`,
    );
  }
  if (live.maxEntries !== spec.maxEntries) {
    throw new DatapathError(
      'LIMITS_CHANGED',
      `the pinned map ${name} of instance ${instance.name} has ${live.maxEntries} rows, the config asks for ${spec.maxEntries}`,
      `"limits" can only change with new maps: "coax down --instance ${instance.name}", then start again`,
    );
  }
}
