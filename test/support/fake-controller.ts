import {
  type BindingChange,
  type BindingView,
  type ChangeEvent,
  type Controller,
  type ControllerStatus,
  type DeregistrationResult,
  type MapDump,
  type MapView,
  type PolicyView,
  type ProbeView,
  type ReasonView,
  type ReloadResult,
  RequestError,
} from '../../src/views/index.js';

const ROWS: MapView = {
  name: 'cx_binding_rows',
  type: 'array',
  key: '__u32',
  value: 'struct cx_binding',
  entries: 1,
  maxEntries: 3,
  meaning: 'The rows that cx_binding_slot points at.',
};

/** A controller without a kernel: for tests of what is around a controller, never of what one does. */
export class FakeController implements Controller {
  readonly calls: string[] = [];
  readonly #listeners: ((change: ChangeEvent) => void)[] = [];
  failReload: Error | undefined;
  failStart: Error | undefined;
  homeAgentAnswers = true;

  async start(): Promise<void> {
    this.calls.push('start');
    if (this.failStart !== undefined) throw this.failStart;
  }

  async stop(): Promise<void> {
    this.calls.push('stop');
  }

  async reload(): Promise<ReloadResult> {
    this.calls.push('reload');
    if (this.failReload !== undefined) throw this.failReload;
    return { generation: 2, changes: ['policy voice added'] };
  }

  status(): ControllerStatus {
    return {
      role: 'home-agent',
      instance: 'default',
      generation: 1,
      interfaces: [
        { name: 'core0', role: 'uplink', attach: 'tcx ingress', ifindex: 3, note: null, xdp: null },
      ],
      bindings: this.bindings().map(({ router, bid, name, state, careOf }) => ({
        router,
        bid,
        name,
        state,
        careOf,
      })),
      reasons: this.reasons(),
      problems: [],
      lastSwitch: {
        router: 'mr1',
        bid: 1,
        from: '2001:db8:a::2',
        to: '2001:db8:a::3',
        at: '2026-01-01T00:00:00.000Z',
        durationMs: 0.42,
      },
    };
  }

  bindings(): BindingView[] {
    return [
      {
        router: 'mr1',
        bid: 1,
        name: 'lte-a',
        state: 'usable',
        careOf: '2001:db8:a::2',
        homeAgent: '2001:db8:ffff::1',
        interface: 'core0',
        tunnel: 'bpf',
        device: null,
        mtu: 1460,
        nextHop: '2001:db8:ffff::ff',
        nextHopMac: '02:00:00:00:00:01',
        priority: 10,
        sent: { packets: 12, bytes: 15_360 },
        received: { packets: 3, bytes: 300 },
        registration: null,
        warnings: [],
        since: '2026-01-01T00:00:00.000Z',
      },
    ];
  }

  async deregister(): Promise<DeregistrationResult> {
    this.calls.push('deregister');
    return { answered: this.homeAgentAnswers };
  }

  async probe(): Promise<ProbeView[]> {
    this.calls.push('probe');
    const [from, to] = ['2001:db8:ffff::1', '2001:db8:a::2'];
    return [{ router: 'mr1', bid: 1, name: 'lte-a', from, to, rttMs: 0.42, failure: null }];
  }

  policies(): PolicyView[] {
    return [
      {
        router: 'mr1',
        fid: 1,
        registeredFid: null,
        name: 'voice',
        priority: 10,
        match: 'protocol udp destination-port 5001',
        action: 'use lte-a, sat',
        kind: 'use',
        bindings: [
          { name: 'lte-a', weight: null },
          { name: 'sat', weight: null },
        ],
        otherwise: 'next',
        flows: [],
        remark: null,
        packets: 7,
        bytes: 700,
      },
    ];
  }

  reasons(): ReasonView[] {
    return [{ hook: 'uplink', reason: 'decapsulated', packets: 3, bytes: 300 }];
  }

  maps(): MapView[] {
    return [ROWS];
  }

  dumpMap(name: string): MapDump {
    if (name === 'cx_broken') throw new Error('no such thing in the kernel');
    if (name !== ROWS.name) {
      throw new RequestError('UNKNOWN_MAP', `there is no map ${name}`, '`coax maps` lists them');
    }
    const zero = { outerSource: '::', ifindex: 0, nextHopMac: '00:00:00:00:00:00', pad: new Uint8Array(2) };
    return {
      ...ROWS,
      rows: [
        { key: 0, value: zero },
        { key: 1, value: { ...zero, outerSource: '2001:db8:a::2', ifindex: 3, packets: 2n ** 60n } },
        { key: 2, value: zero },
      ],
    };
  }

  async setBinding(router: string | undefined, bid: number, change: BindingChange): Promise<BindingView> {
    this.calls.push(`set ${router} ${bid} ${JSON.stringify(change)}`);
    const [binding] = this.bindings();
    if (binding === undefined) throw new Error('unreachable');
    if (router !== undefined && router !== binding.router) {
      throw new RequestError('UNKNOWN_ROUTER', `there is no router ${router}`, 'the routers are: mr1');
    }
    if (bid !== binding.bid) {
      throw new RequestError('UNKNOWN_BINDING', `router mr1 has no binding ${bid}`, 'its bindings are: 1');
    }
    return {
      ...binding,
      careOf: change.careOf ?? binding.careOf,
      state: change.down ? 'disabled' : 'usable',
    };
  }

  on(_event: 'change', listener: (change: ChangeEvent) => void): void {
    this.#listeners.push(listener);
  }

  emit(change: ChangeEvent): void {
    for (const listener of this.#listeners) listener(change);
  }
}
