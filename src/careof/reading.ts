/**
 * What the kernel was last found to have, or why that is not known. Changes are read one after the other; those that
 * come while one is read are read together after that.
 */
export class Reading<T> {
  readonly #read: () => Promise<T>;
  readonly #onChange: () => void;
  #value: T | Error;
  #text: string;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /**
   * @param nothing what there is before anything has been read
   * @param onChange called when something else has been read
   */
  constructor(read: () => Promise<T>, nothing: T, onChange: () => void) {
    this.#read = read;
    this.#value = nothing;
    this.#text = textOf(nothing);
    this.#onChange = onChange;
  }

  get value(): T | Error {
    return this.#value;
  }

  /**
   * Reads; resolves when it is known what there is, or why that cannot be known. What changes meanwhile is read after
   * that. Never rejects.
   */
  async refresh(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#readAll().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Nothing is read from now on, and nobody called. */
  stop(): void {
    this.#stopped = true;
  }

  async #readAll(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const value = await this.#attempt();
      const text = textOf(value);
      if (!this.#stopped && text !== this.#text) {
        this.#text = text;
        this.#value = value;
        this.#onChange();
      }
    }
  }

  async #attempt(): Promise<T | Error> {
    try {
      return await this.#read();
    } catch (error) {
      // Whatever it is: as long as nobody knows what there is there may be something.
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

function textOf(value: unknown): string {
  return value instanceof Error ? value.message : JSON.stringify(value);
}
