/** Runs in a network namespace of its own (see support.ts) and prints what it saw as JSON. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  attachCgroupSocketCreate,
  attachClsact,
  attachTcx,
  attachXdp,
  BpfLink,
  ClsactFilter,
  currentNetworkNamespace,
  LibbpfTsError,
  networkNamespaceCookie,
  queryTcx,
  queryXdp,
} from '../../../src/libbpf-ts/index.js';
import { loadSample } from './support.js';

const ifindex = (name: string): number =>
  Number(readFileSync(`/proc/self/net/dev_snmp6/${name}`, 'utf8').split(/\s+/)[1]);

function code(call: () => unknown): string {
  try {
    call();
    return 'none';
  } catch (error) {
    return error instanceof LibbpfTsError ? error.code : String(error);
  }
}

async function tcx(folder: string): Promise<object> {
  using live = await loadSample();
  const [first, second] = [live.programs.get('sample_tc'), live.programs.get('sample_tc_other')];
  const left = ifindex('left');
  const path = join(folder, 'link');
  const link = attachTcx(first, left, 'ingress');
  const attached = queryTcx(left, 'ingress');
  const info = link.info;
  link.pin(path);
  link.close();
  const afterClose = queryTcx(left, 'ingress').programs.length;
  using again = BpfLink.fromPin(path);
  const wrongReplace = code(() => again.update(second, { replace: second }));
  again.update(second, { replace: first });
  const updated = queryTcx(left, 'ingress');
  using other = attachTcx(first, left, 'ingress');
  const both = queryTcx(left, 'ingress').programs.map(({ programId }) => programId);
  using egress = attachTcx(first, left, 'egress');
  const egressInfo = egress.info;
  again.unpin(path);
  again.detach();
  const left2 = queryTcx(left, 'ingress').programs.map(({ linkId }) => linkId);
  return {
    ids: [first.info.id, second.info.id],
    ifindex: left,
    attached: attached.programs,
    revisionGrew: updated.revision > attached.revision,
    info,
    afterClose,
    wrongReplace,
    updated: updated.programs,
    both,
    egressInfo,
    remaining: left2,
    otherId: other.info.id,
    noSuchInterface: code(() => attachTcx(first, 9999, 'ingress')),
    wrongType: code(() => attachTcx(live.programs.get('sample_xdp'), left, 'ingress')),
    badDirection: code(() => attachTcx(first, left, 'up' as never)),
    closedProgram: code(() => {
      const gone = first.dup();
      gone.close();
      attachTcx(gone, left, 'ingress');
    }),
  };
}

async function xdp(folder: string): Promise<object> {
  using live = await loadSample();
  const [first, second] = [live.programs.get('sample_xdp'), live.programs.get('sample_xdp_other')];
  const left = ifindex('left');
  const before = queryXdp(left);
  const link = attachXdp(first, left, { mode: 'native' });
  const attached = queryXdp(left);
  const taken = code(() => attachXdp(second, left, { mode: 'native' }));
  link.pin(join(folder, 'xdp'));
  link.update(second);
  const updated = queryXdp(left);
  const info = link.info;
  link.unpin(join(folder, 'xdp'));
  link.close();
  const after = queryXdp(left);
  using generic = attachXdp(first, left, { mode: 'generic' });
  const genericState = queryXdp(left);
  return {
    ids: [first.info.id, second.info.id],
    ifindex: left,
    before,
    attached,
    taken,
    updated,
    info,
    after,
    genericState,
    genericType: generic.info.type,
  };
}

async function clsact(): Promise<object> {
  using live = await loadSample();
  const [first, second] = [live.programs.get('sample_tc'), live.programs.get('sample_tc_other')];
  const left = ifindex('left');
  const absent = ClsactFilter.at(left, 'egress', 1, 10).exists();
  const filter = attachClsact(first, left, 'egress', { handle: 1, priority: 10 });
  const programId = filter.programId();
  const taken = code(() => attachClsact(second, left, 'egress', { handle: 1, priority: 10 }));
  filter.update(second);
  const found = ClsactFilter.at(left, 'egress', 1, 10);
  const updated = found.programId();
  const chosen = attachClsact(first, left, 'ingress');
  const detached = [filter.detach(), filter.detach(), filter.exists()];
  return {
    ids: [first.info.id, second.info.id],
    absent,
    programId,
    taken,
    updated,
    chosen: [chosen.handle > 0, chosen.priority > 0, chosen.exists()],
    detached,
  };
}

async function gone(): Promise<object> {
  const { execFileSync } = await import('node:child_process');
  using live = await loadSample();
  using link = attachTcx(live.programs.get('sample_tc'), ifindex('left'), 'ingress');
  execFileSync('ip', ['link', 'del', 'left']);
  return {
    ifindex: link.info.ifindex,
    update: code(() => link.update(live.programs.get('sample_tc_other'))),
  };
}

async function cgroup(folder: string): Promise<object> {
  using live = await loadSample();
  const program = live.programs.get('sample_tc');
  return {
    refused: [join(folder, 'gone'), '/proc/self/stat', folder].map((path) =>
      code(() => attachCgroupSocketCreate(program, path)),
    ),
    cookies: [networkNamespaceCookie(), networkNamespaceCookie()],
  };
}

function namespace(): object {
  const { dev, ino } = currentNetworkNamespace();
  return { dev: String(dev), ino: String(ino) };
}

const [, , scenario = '', folder = ''] = process.argv;
const scenarios: Record<string, () => object | Promise<object>> = {
  tcx: () => tcx(folder),
  xdp: () => xdp(folder),
  cgroup: () => cgroup(folder),
  clsact,
  gone,
  namespace,
};
const chosen = scenarios[scenario];
if (chosen === undefined) throw new Error(`unknown scenario '${scenario}'`);
console.log(
  JSON.stringify(await chosen(), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
);
