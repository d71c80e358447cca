// Pauses of a server that else only computes: in each of them what has come over its sockets is heard.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { breathe } from "../../src/serve/breathe.ts";

const test = suite("serve: pauses");
const ASKS = 40;

// Asks so often, one after the other.
const CLIENT = `onmessage = async ({ data: port }) => {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port }), byte = new Uint8Array(1);
  for (let i = 0; i < ${ASKS}; i++) await socket.write(byte).then(() => socket.read(byte));
  close();
};`;

test("a client on another thread is answered in every pause or two", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = URL.createObjectURL(new Blob([CLIENT], { type: "text/javascript" }));
  const client = new Worker(url, { type: "module" });
  try {
    client.postMessage(listener.addr.port);
    const socket = await listener.accept();
    let asked = 0, pauses = 0;
    void (async () => {
      const byte = new Uint8Array(1);
      while (await socket.read(byte)) {
        asked++;
        await socket.write(byte);
      }
      socket.close();
    })();
    for (; asked < ASKS && pauses < 1000; pauses++) {
      for (const until = performance.now() + 3; performance.now() < until;);
      await breathe();
    }
    assert.ok(pauses <= 4 * ASKS, `${asked} in ${pauses} pauses`);
  } finally {
    client.terminate();
    listener.close();
    URL.revokeObjectURL(url);
  }
});

test("those who pause at the same time go on at the same time", async () => {
  const order: number[] = [];
  await Promise.all([1, 2, 3].map(async (i) => {
    order.push(i);
    await breathe();
    order.push(i);
  }));
  assert.equal(order, [1, 2, 3, 1, 2, 3]);
});

test.run();
