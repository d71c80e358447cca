// SHA-256 against the host's own: every length about a block's, cut anywhere. The quick run takes one of half a gigabyte in Deno alone.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { digest, hex, Sha256, sha256 } from "../../src/engine/sha256.ts";
import { full } from "../support/depth.ts";
import { inBrowser } from "../support/files.ts";

const test = suite("SHA-256");

const theirs = async (bytes: Uint8Array<ArrayBuffer>) =>
  hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
const content = (length: number) => Uint8Array.from({ length }, (_, i) => i * i * 7 + length);

test("of every length up to four blocks, whole and cut at any place", async () => {
  for (let length = 0; length <= 256; length++) {
    const bytes = content(length), wanted = await theirs(bytes);
    assert.is(hex(sha256(bytes)), wanted, `${length} bytes`);
    for (let cut = 0; cut <= length; cut += 5) {
      const sum = new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut));
      assert.is(hex(sum.digest()), wanted, `${length} bytes cut at ${cut}`);
    }
  }
});

test("of many small pieces, and of more bits than a word counts", async () => {
  const bytes = content(100_003), sum = new Sha256();
  for (let at = 0, step = 0; at < bytes.length; at += step) sum.update(bytes.subarray(at, at + (step = 1 + at % 150)));
  assert.is(hex(sum.digest()), await theirs(bytes));
  if (inBrowser && !full) return;
  const long = new Uint8Array(2 ** 29 + 3), many = new Sha256();
  for (let at = 0; at < long.length; at += 2 ** 24 + 1) many.update(long.subarray(at, at + 2 ** 24 + 1));
  assert.is(hex(many.digest()), await theirs(long));
});

test("names texts by its first 16 digits", () => assert.is(digest("abc"), "ba7816bf8f01cfea"));
test.run();
