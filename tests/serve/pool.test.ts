// What sessions of a server take: all of it counts in the one bound.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Pool } from "../../src/openai/pool.ts";
import { openApi } from "../support/api.ts";

const test = suite("serve: pool");

test("all that a session holds counts, its books and what its policy reads among it", async () => {
  const { hosted, stop } = await openApi({});
  try {
    for (const policy of ["roco", "keydiff", "expected"] as const) {
      const options = { budget: 48, policy }, pool = new Pool(1e9);
      using session = hosted.model.session(options);
      const { gpu, wasm } = session.memory(), room = pool.reserve(hosted, options, { read: 1, written: 1 });
      room.holds(session);
      assert.equal([pool.bytes, wasm > 0], [gpu + wasm, true]);
      room.free();
      assert.is(pool.bytes, 0);
    }
  } finally {
    await stop();
  }
});

test.run();
