// The program behind lab/impairment.ts, which says how it works. Python, because node cannot open a tun device.

/** Packets of a direction that wait for their time, and again as many that wait for another packet. */
export const WAITING_MOST = 256;

/**
 * Runs in the namespace of the node; its one argument is JSON: seed, loss, duplicate, reorder, delayMs, holdMs,
 * access, homeAgent. Says {"event":"ready"}, answers each line "report" with {"event":"report",...}, and ends with
 * {"event":"ended",...} when its input does.
 */
export const PROGRAM = `
import collections, ctypes, fcntl, json, os, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
LONGEST_PACKET, LARGEST_MTU, QUEUE, BATCH, WAITING_MOST = 65575, 65535, 1000, 64, ${WAITING_MOST}
WORD = 0xffffffff
options = json.loads(sys.argv[1])

class Random:
    """The generator of lab/random.ts: Mulberry32."""
    def __init__(self, seed):
        self.state = seed & WORD

    def word(self):
        self.state = (self.state + 0x6d2b79f5) & WORD
        mixed = (self.state ^ self.state >> 15) * (self.state | 1) & WORD
        mixed ^= mixed + (mixed ^ mixed >> 7) * (mixed | 61) & WORD
        return mixed ^ mixed >> 14

    def chance(self, part):
        return (self.word() * 1000 >> 32) < part * 1000

class Nft:
    """A table with an owner ends with the socket that made it: with this process."""
    def __init__(self):
        self.library = ctypes.CDLL('libnftables.so.1')
        self.library.nft_ctx_new.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.nft_ctx_new(0))

    def run(self, text):
        if self.library.nft_run_cmd_from_buffer(self.context, text.encode()):
            sys.exit('nft refuses: ' + text)

class Direction:
    def __init__(self, device, gateway, seed):
        self.device, self.gateway, self.random = device, gateway, Random(seed)
        self.counts = dict.fromkeys(
            ('seen', 'lost', 'duplicated', 'reordered', 'heldInVain', 'passed', 'overflowed', 'refused'), 0)
        self.waiting, self.held = collections.deque(), collections.deque()
        self.file = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(self.file, TUNSETIFF, struct.pack('16sH22x', device.encode(), IFF_TUN | IFF_NO_PI))
        except OSError as error:
            sys.exit(f'{device}: {error.strerror}: end the impairment that runs on this node first')

    def links(self):
        yield f'link set dev {self.device} mtu {LARGEST_MTU} txqueuelen {QUEUE} addrgenmode none'
        yield f'link set dev {self.device} up'
        yield f'route add {self.gateway}/128 dev {self.device}'

    def read(self, now):
        """Takes a batch in; whether there may be more."""
        for _ in range(BATCH):
            try:
                packet = os.read(self.file, LONGEST_PACKET)
            except BlockingIOError:
                return False
            # To multicast is what the kernel itself says on every new interface.
            if packet[24] != 0xff:
                self.take(packet, now)
        return True

    def take(self, packet, now):
        # Always all three, so that a packet's fate depends on its number alone.
        lost, twice, late = [self.random.chance(options[name]) for name in ('loss', 'duplicate', 'reorder')]
        self.count('seen')
        if lost:
            self.count('lost')
        elif len(self.waiting) >= WAITING_MOST:
            self.count('overflowed')
        else:
            self.waiting.append((now + options['delayMs'] / 1000, packet, twice, late))

    def release(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            _, packet, twice, late = self.waiting.popleft()
            late = late and len(self.held) < WAITING_MOST
            if twice:
                self.count('duplicated')
            for _ in range(twice + (not late)):
                self.overtake(packet)
            if late:
                self.held.append((now + options['holdMs'] / 1000, packet))
        while self.held and self.held[0][0] <= now:
            self.count('heldInVain')
            self.write(self.held.popleft()[1])

    def overtake(self, packet):
        self.write(packet)
        while self.held:
            self.count('reordered')
            self.write(self.held.popleft()[1])

    def write(self, packet):
        try:
            os.write(self.file, packet)
            self.count('passed')
        except OSError:
            self.count('refused')

    def count(self, name):
        self.counts[name] += 1

    def due(self):
        return [queue[0][0] for queue in (self.waiting, self.held) if queue]

    def report(self):
        return {**self.counts, 'waiting': len(self.waiting) + len(self.held)}

def say(event, more={}):
    print(json.dumps({'event': event, **more}), flush=True)

def words(names):
    return '{ ' + ', '.join('"' + name + '"' for name in names) + ' }'

# On one processor what is written first is forwarded first.
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
seeds = Random(options['seed'])
# 100::/64 is for discarding (RFC 6666): nothing else can have a route there.
to = Direction('impair-to-ha', '100::1', seeds.word())
back = Direction('impair-from-ha', '100::2', seeds.word())
both = {'toHomeAgent': to, 'fromHomeAgent': back}

def report():
    return {name: direction.report() for name, direction in both.items()}

links = [line for direction in both.values() for line in direction.links()]
if subprocess.run(['ip', '-batch', '-'], input='\\n'.join(links), text=True).returncode:
    sys.exit('ip refuses to set up the tun devices')
nft = Nft()
access, home = words(options['access']), words([options['homeAgent']])
nft.run(f'''table ip6 coaxial_impairment {{
    flags owner
    chain prerouting {{
        type filter hook prerouting priority mangle
        iifname {access} meta l4proto 135 fib daddr oifname {home} dup to {to.gateway} device "{to.device}" drop
        iifname {home} meta l4proto 135 fib daddr oifname {access} dup to {back.gateway} device "{back.device}" drop
    }}
}}
''')
say('ready')

commands = b''
while True:
    due = [at for direction in both.values() for at in direction.due()]
    patience = max(0, min(due) - time.monotonic()) if due else None
    ready = select.select([0, to.file, back.file], [], [], patience)[0]
    now = time.monotonic()
    for direction in both.values():
        if direction.file in ready:
            direction.read(now)
        direction.release(now)
    if 0 in ready:
        said = os.read(0, 4096)
        if not said:
            break
        *lines, commands = (commands + said).split(b'\\n')
        for line in lines:
            if line == b'report':
                say('report', report())

nft.run('delete table ip6 coaxial_impairment')
for direction in both.values():
    while direction.read(0):
        direction.release(float('inf'))
    direction.release(float('inf'))
say('ended', report())
`;
