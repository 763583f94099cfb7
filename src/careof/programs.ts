import type { Config } from '../config/index.js';
import type { Attachment, Datapath, XdpAttachment } from '../datapath/index.js';
import type { NetlinkSnapshot } from '../netlink/index.js';
import { type ProgramDevices, planAttachments } from './attachment-plan.js';
import { Sightings } from './kernel-routing.js';
import type { Plan } from './plan.js';
import { factsOf } from './policy-facts.js';
import type { ProblemCode } from './problems.js';
import { isRefusal, problemOf, type ReconcileReport } from './reconcile-report.js';
import { planXdp, xdpAttachments, xdpPorts, xdpProblems } from './xdp.js';
import type { XdpWatch } from './xdp-watch.js';

/** Keeps our programs where the plan has them. */
export class Programs {
  readonly #datapath: Datapath;
  readonly #xdpWatch: XdpWatch;
  readonly #attachmentsSeen = new Sightings();
  readonly #xdpSeen = new Sightings();

  constructor(datapath: Datapath, xdpWatch: XdpWatch) {
    this.#datapath = datapath;
    this.#xdpWatch = xdpWatch;
  }

  /**
   * An interface that goes over to the stack does so here for packets from the mobile network, and at once
   * afterwards, with the neighbours, for those to it: connection tracking sees first who began. But not long
   * before: it refuses acknowledgements of what it has not seen, and a sender that has nothing left to send
   * meanwhile repeats what is acknowledged for ever.
   */
  async attach(
    config: Config,
    plan: Plan,
    devices: ProgramDevices,
    snapshot: NetlinkSnapshot,
    report: ReconcileReport,
  ): Promise<void> {
    await this.#markSockets(config, report);
    const { attachments: desired, missing } = planAttachments(config, plan, devices, snapshot.links);
    report.missing = [...missing];
    for (const { name } of missing) {
      const code: ProblemCode = 'INTERFACE_MISSING';
      report.problems.push({ code, message: `there is no interface ${name} now` });
    }
    this.#datapath.fragmentSlices.sync(
      desired.flatMap(({ role, ifindex }) => (role === 'ingress' || role === 'transit' ? [ifindex] : [])),
    );
    try {
      report.changes = await this.#datapath.attach(
        desired,
        snapshot.links.map((link) => link.ifindex),
      );
    } catch (error) {
      if (!isRefusal(error)) {
        throw error;
      }
      // Programs that run need neither their pins nor descriptors, and bindings must go on being switched.
      report.problems.push(problemOf(error));
      report.attachments = desired;
      return;
    }
    const attached = new Set(report.changes.attached);
    const name = ({ role, ifindex }: Attachment): string => `${role}-${ifindex}`;
    for (const item of desired) {
      if (this.#attachmentsSeen.missed(name(item), !attached.has(item))) {
        report.repaired.push(`program ${item.program} on ${item.interface} (pin ${name(item)})`);
      }
    }
    this.#attachmentsSeen.keepOnly(new Set(desired.map(name)));
    const failed = new Set(report.changes.failed.map(({ item }) => item));
    for (const { error } of report.changes.failed) {
      report.problems.push({ code: error.code, message: error.message });
    }
    report.attachments = desired.filter((item) => !failed.has(item));
  }

  /**
   * XDP programs are there after the TC programs to which they leave packets, and know nothing of an interface that
   * they are not to send to any more before its device goes from their map.
   */
  async attachXdp(config: Config, snapshot: NetlinkSnapshot, report: ReconcileReport): Promise<void> {
    const { xdp, ports } = this.#datapath;
    const { links } = snapshot;
    const own = report.attachments.map(({ ifindex }) => ifindex);
    await this.#xdpWatch.meet(links.filter(({ ifindex }) => own.includes(ifindex)));
    report.xdp = planXdp(config.xdp, report.attachments, links, this.#xdpWatch.facts);
    report.problems.push(...xdpProblems(config.xdp, report.xdp));
    const desired = xdpAttachments(report.xdp);
    await ports.sync(xdpPorts(report.xdp, links));
    if (desired.length > 0) await this.#datapath.loadXdp();
    report.xdpChanges = xdp.sync(desired);
    const attached = new Set(report.xdpChanges.attached);
    const name = ({ ifindex, mode }: XdpAttachment): string => `${ifindex} ${mode}`;
    for (const item of desired) {
      if (this.#xdpSeen.missed(name(item), !attached.has(item))) {
        report.repaired.push(`XDP program ${item.program} on ${item.interface}`);
      }
    }
    this.#xdpSeen.keepOnly(new Set(desired.map(name)));
    for (const { error } of report.xdpChanges.failed) {
      report.problems.push({ code: error.code, message: error.message });
    }
  }

  /**
   * Local traffic can bypass us only by a mark that its socket has from the beginning. A home agent has no such
   * policies.
   */
  async #markSockets(config: Config, report: ReconcileReport): Promise<void> {
    const isNeeded = config.role === 'mobile-router' && factsOf(config.policies).bypassesCgroup;
    try {
      await this.#datapath.markSockets(isNeeded);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      report.problems.push(problemOf(error));
    }
  }
}
