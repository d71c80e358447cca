// A Redis server of the tests' own, which can be killed and started again with what it has written down.

/** The server that build/setup.mjs found; undefined: there is none. */
export const redisServer: string | undefined = Deno.env.get("KVCAP_REDIS");

/** One server, which writes every change down before it answers. */
export class Redis {
  readonly port: number;
  readonly #folder: string;
  #child: Deno.ChildProcess;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
    this.#child = this.#start();
  }

  /** @param folder where it writes */
  static async open(folder: string): Promise<Redis> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const redis = new Redis(port, folder);
    await redis.#answering();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  #start(): Deno.ChildProcess {
    const args = [
      ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.#folder, "--save", ""],
      ...["--appendonly", "yes", "--appendfsync", "always"],
    ];
    return new Deno.Command(redisServer!, { args, stdout: "null", stderr: "null" }).spawn();
  }

  async #answering(): Promise<void> {
    for (;;) {
      const answer = await Deno.connect({ hostname: "127.0.0.1", port: this.port }).catch(() => null);
      answer?.close();
      if (answer) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Kills it, and starts it again after a while. */
  async restart(ms: number): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#child = this.#start();
    await this.#answering();
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
