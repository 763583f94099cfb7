import type { BpfMap } from '../libbpf-ts/index.js';
import { BindingTable } from './binding-table.js';
import { Counters } from './counters.js';
import { FragmentSlices } from './fragment-slices.js';
import { GenerationTable } from './generation-table.js';
import type { MapName } from './map-catalogue.js';
import { PolicyIds } from './policy-ids.js';
import { PortTable } from './port-table.js';
import { PrefixMap } from './prefix-map.js';
import { RouterIds } from './router-ids.js';
import { RowMap } from './row-map.js';
import { Settings } from './settings.js';
import { SignalKeys } from './signal-keys.js';
import { SpiSet } from './spi-set.js';

/** The tables of a datapath over its maps, wherever these come from. Each reads its maps when it is first asked for. */
export class Tables {
  readonly #map: (name: MapName) => BpfMap;
  readonly #made = new Map<keyof Tables, unknown>();

  constructor(map: (name: MapName) => BpfMap) {
    this.#map = map;
  }

  get settings(): Settings {
    return this.#once('settings', (map) => new Settings(map('cx_settings')));
  }

  get bindings(): BindingTable {
    return this.#once(
      'bindings',
      (map) =>
        new BindingTable({
          slots: map('cx_binding_slot'),
          rows: map('cx_binding_rows'),
          keys: map('cx_binding_keys'),
          counters: map('cx_binding_count'),
        }),
    );
  }

  get generations(): GenerationTable {
    return this.#once('generations', (map) => {
      const maps = {
        blocks: map('cx_blocks'),
        policies: map('cx_policies'),
        policySets: map('cx_policy_sets'),
        routers: map('cx_routers'),
        cgroups: map('cx_cgroups'),
      };
      return new GenerationTable(maps, this.settings);
    });
  }

  get policyIds(): PolicyIds {
    return this.#once('policyIds', (map) => new PolicyIds(map('cx_policy_keys'), map('cx_policy_count')));
  }

  get routerIds(): RouterIds {
    return this.#once('routerIds', (map) => new RouterIds(map('cx_router_keys')));
  }

  get routes(): PrefixMap {
    return this.#once('routes', (map) => new PrefixMap(map('cx_routes')));
  }

  get prefixes(): PrefixMap {
    return this.#once('prefixes', (map) => new PrefixMap(map('cx_prefixes')));
  }

  get tunnelEnds(): RowMap {
    return this.#once('tunnelEnds', (map) => new RowMap(map('cx_tunnel_ends'), map('cx_tunnel_end_rows')));
  }

  get tunnelDevices(): RowMap {
    return this.#once(
      'tunnelDevices',
      (map) => new RowMap(map('cx_tunnel_devices'), map('cx_tunnel_device_rows')),
    );
  }

  get spis(): SpiSet {
    return this.#once('spis', (map) => new SpiSet(map('cx_spis')));
  }

  get signalKeys(): SignalKeys {
    return this.#once('signalKeys', (map) => new SignalKeys(map('cx_signal_keys')));
  }

  get neighbours(): RowMap {
    return this.#once('neighbours', (map) => new RowMap(map('cx_neighbours'), map('cx_neighbour_rows')));
  }

  get fragmentSlices(): FragmentSlices {
    return this.#once('fragmentSlices', (map) => new FragmentSlices(map('cx_fragment_slices')));
  }

  get ports(): PortTable {
    return this.#once('ports', (map) => new PortTable(map('cx_ports'), map('cx_devices')));
  }

  get counters(): Counters {
    return this.#once(
      'counters',
      (map) =>
        new Counters({
          reasons: map('cx_reasons'),
          policies: map('cx_policy_count'),
          bindings: map('cx_binding_count'),
        }),
    );
  }

  #once<T>(name: keyof Tables, make: (map: (name: MapName) => BpfMap) => T): T {
    if (!this.#made.has(name)) this.#made.set(name, make(this.#map));
    return this.#made.get(name) as T;
  }
}
