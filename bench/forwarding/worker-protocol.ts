// What the benchmark asks of its worker: one JSON object a line, answered by one line each.

/** The outermost IPv6 header of a packet that is right. */
export interface Expected {
  readonly source: string;
  /** Bits of the source that are compared, all when left out. */
  readonly sourceMask?: string;
  readonly destination: string;
  readonly destinationMask?: string;
  /** Next header: 41 behind a tunnel, 17 for plain UDP. */
  readonly nextHeader: number;
}

/** What is sent. */
export interface RunRequest {
  readonly lane: number;
  /** Row of the first flow, and how many there are, a power of two. */
  readonly first: number;
  readonly flows: number;
  /** Bytes of a frame as it would be without an outer header, link header included. */
  readonly size: number;
  readonly seconds: number;
  /** Packets a second; as many as go when left out. */
  readonly rate?: number;
  /** Packets come with an outer header to this address. */
  readonly outerDestination?: string;
  readonly destinationMac: string;
  readonly sourceMac: string;
}

export type WorkerRequest =
  | { readonly do: 'open'; readonly flows: number }
  /** Pins the map in which lanes are entered. */
  | { readonly do: 'pin-lanes'; readonly path: string }
  | { readonly do: 'write-flows'; readonly first: number; readonly file: string }
  /** Loads a sink and pins its program at `path`, its counters at `path` + '-count' and its stamps at '-stamps'. */
  | {
      readonly do: 'load-sink';
      readonly path: string;
      readonly expected: Expected;
      readonly stamping: boolean;
    }
  /** Loads bare redirects and pins them at `path` + '-xdp' and '-tc', the device map at `path` + '-out'. */
  | { readonly do: 'load-redirect'; readonly path: string; readonly ifindex: number }
  | ({ readonly do: 'run' } & RunRequest);

/** What a run has sent, and how long that took. */
export interface RunAnswer {
  readonly sent: number;
  readonly seconds: number;
}

export type WorkerAnswer = { readonly ok: RunAnswer | undefined } | { readonly error: string };
