/** Runs in a row without a pause; what is asked for after that waits for the next turn of the event loop. */
const RUNS_IN_A_ROW = 16;

/** Tried again after a failure: its cause may pass without a message from the kernel. Milliseconds. */
const RETRY_MS = 1000;

/**
 * Runs one job again and again, one at a time, as long as something asks for it.
 *
 * @example
 * const loop = new RunLoop(async (since) => undefined, (error) => log(error));
 * loop.request(); // something changed
 * await loop.settle(); // resolves when nothing new is known
 */
export class RunLoop {
  readonly #job: (since: number) => Promise<number | undefined>;
  readonly #onFailure: (error: unknown) => void;
  /** When something first asked for a run that has not begun. */
  #askedAt: number | undefined;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /**
   * @param job gets the time (`performance.now()`) at which it was asked for and may answer in how many
   *   milliseconds it wants to run although nobody asks
   * @param onFailure told of what a run threw that nobody waits for
   */
  constructor(job: (since: number) => Promise<number | undefined>, onFailure: (error: unknown) => void) {
    this.#job = job;
    this.#onFailure = onFailure;
  }

  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Whether somebody waits for a run that has not begun. */
  get isAsked(): boolean {
    return this.#askedAt !== undefined;
  }

  /** Asks for a run; many requests before it begins make one run. */
  request(): void {
    this.#askedAt ??= performance.now();
    this.#start();
  }

  /** Runs now, after the run that is under way, until nothing new is asked for. @throws what the job throws */
  async settle(): Promise<void> {
    // Its place is taken before anything is waited for: others may ask in the same turn of the event loop.
    const turn = this.#runAfter(this.#running);
    this.#running = turn;
    try {
      await turn;
    } finally {
      if (this.#running === turn) {
        this.#running = undefined;
      }
    }
    if (this.#askedAt !== undefined) {
      this.#start();
    }
  }

  /** Resolves when no run is under way. */
  async rest(): Promise<void> {
    while (this.#running !== undefined) {
      await this.#running.catch(() => undefined);
    }
  }

  /** Lets the run under way end and begins none any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.rest();
  }

  #start(): void {
    if (this.#running !== undefined || this.#stopped) {
      return;
    }
    this.settle().catch((error: unknown) => {
      if (!this.#stopped) {
        this.#onFailure(error);
        this.#wakeIn(RETRY_MS);
      }
    });
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.request(), Math.max(1, milliseconds));
  }

  async #runAfter(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined);
    this.#askedAt ??= performance.now();
    await this.#runs();
  }

  async #runs(): Promise<void> {
    for (let run = 0; run < RUNS_IN_A_ROW && this.#askedAt !== undefined && !this.#stopped; run++) {
      const since = this.#askedAt;
      this.#askedAt = undefined;
      const dueIn = await this.#job(since);
      clearTimeout(this.#timer);
      if (dueIn !== undefined) {
        this.#wakeIn(dueIn);
      }
      // What the run itself brought about is heard of before the next look.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
