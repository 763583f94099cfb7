import type { Attachment } from '../datapath/index.js';
import type { Link } from '../netlink/index.js';
import { type Action, formatAction, formatSelector } from '../policy/index.js';
import { wireFid } from '../registration/index.js';
import type {
  BindingView,
  InterfaceView,
  PolicyBindingView,
  PolicyView,
  RegistrationView,
  Traffic,
} from '../views/index.js';
import type { BindingPlan, IngressPlan, RouterPlan } from './plan.js';
import type { XdpPlan } from './xdp.js';

/** A binding as people and programs see it. */
export function bindingView(
  router: string,
  plan: BindingPlan,
  counted: { sentPackets: number; sentBytes: number; receivedPackets: number; receivedBytes: number },
  since: Date,
  warnings: string[],
  registration: RegistrationView | null,
): BindingView {
  return {
    router,
    bid: plan.bid,
    name: plan.name,
    state: plan.state,
    careOf: plan.careOf?.toString() ?? null,
    homeAgent: plan.homeAgent.toString(),
    interface: plan.interface ?? null,
    tunnel: plan.tunnel,
    device: plan.device?.name ?? null,
    mtu: plan.mtu ?? null,
    nextHop: plan.nextHop?.address?.toString() ?? null,
    nextHopMac: plan.nextHop?.mac?.toString() ?? null,
    priority: plan.priority,
    sent: { packets: counted.sentPackets, bytes: counted.sentBytes },
    received: { packets: counted.receivedPackets, bytes: counted.receivedBytes },
    registration,
    warnings,
    since: since.toISOString(),
  };
}

/** The policies of a router with their hits. */
export function policyViews(
  router: RouterPlan,
  hits: (fid: number) => Traffic,
  told: (fid: number) => Pick<PolicyView, 'flows' | 'remark'>,
): PolicyView[] {
  const nameOf = (bid: number): string =>
    router.bindings.find((binding) => binding.bid === bid)?.name ?? String(bid);
  return router.policies.map((policy) => ({
    router: router.name,
    fid: policy.fid,
    registeredFid: wireFid(policy.fid) ?? null,
    name: policy.name,
    priority: policy.priority,
    match: formatSelector(policy.selector),
    action: formatAction(policy, nameOf),
    kind: policy.action.kind,
    bindings: bindingViews(policy.action, nameOf),
    otherwise: policy.otherwise,
    ...told(policy.fid),
    ...hits(policy.fid),
  }));
}

function bindingViews(action: Action, nameOf: (bid: number) => string): PolicyBindingView[] {
  switch (action.kind) {
    case 'use':
    case 'copy':
      return action.bindings.map((bid) => ({ name: nameOf(bid), weight: null }));
    case 'balance':
      return action.bindings.map(({ bid, weight }) => ({ name: nameOf(bid), weight }));
    case 'drop':
    case 'bypass':
      return [];
  }
}

/** The interfaces with our programs, those that are missing, and those that are left to the stack. */
export function interfaceViews(
  ingress: readonly IngressPlan[],
  programs: {
    attached: readonly Attachment[];
    missing: readonly { name: string; role: Attachment['role'] }[];
    mechanism: string;
    xdp: readonly XdpPlan[];
  },
  links: readonly Link[],
): InterfaceView[] {
  const find = (name: string): Link | undefined =>
    links.find((link) => link.name === name || link.altNames.includes(name));
  const note = ({ forwarding, why }: IngressPlan): string => `${forwarding}: ${why}`;
  const noteOf = (role: Attachment['role'], name: string): string | null => {
    const plan = ingress.find((one) => one.interface === name || find(one.interface)?.name === name);
    return plan && role === 'ingress' ? note(plan) : null;
  };
  const xdpOf = ({ ifindex, program }: Attachment): XdpPlan | undefined =>
    programs.xdp.find((plan) => plan.ifindex === ifindex && plan.program === program);
  return [
    ...programs.attached.map((item) => ({
      name: item.interface,
      role: item.role,
      attach: attachText(programs.mechanism, item, xdpOf(item)),
      ifindex: item.ifindex,
      note: noteOf(item.role, item.interface),
      xdp: xdpView(xdpOf(item)),
    })),
    ...programs.missing.map((item) => ({
      ...item,
      attach: 'none',
      ifindex: null,
      xdp: null,
      note: noteOf(item.role, item.name),
    })),
    ...ingress
      .filter(({ forwarding }) => forwarding === 'stack')
      .map((plan) => ({
        name: plan.interface,
        role: 'ingress',
        attach: 'none',
        ifindex: find(plan.interface)?.ifindex ?? null,
        xdp: null,
        note: note(plan),
      })),
  ];
}

/** `tcx ingress`, and what stands in front of it. */
function attachText(mechanism: string, { direction }: Attachment, xdp: XdpPlan | undefined): string {
  const tc = `${mechanism} ${direction}`;
  return xdp === undefined || xdp.mode === 'off' ? tc : `xdp ${xdp.mode}, ${tc}`;
}

function xdpView(plan: XdpPlan | undefined): InterfaceView['xdp'] {
  if (plan === undefined) return null;
  const { mode, why, transmits, whyTransmits } = plan;
  return { mode, why, transmits, whyTransmits };
}
