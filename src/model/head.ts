/** Whether weights hold a head of their own where the configuration ties it to the embeddings, as fine-tunes that trained it do. */
import type { StoredTensor } from "../formats/converted.ts";

const PIECE = 1 << 20; // bytes that are compared at once

/** Whether both matrices are there and differ: in any byte, or in how they are stored. */
export async function hasOwnHead(stored: ReadonlyMap<string, StoredTensor>): Promise<boolean> {
  const head = stored.get("lm_head.weight"), embeddings = stored.get("model.embed_tokens.weight");
  if (!head || !embeddings) return false;
  if (head.dtype !== embeddings.dtype || head.bytes !== embeddings.bytes) return true;
  for (let from = 0; from < head.bytes; from += PIECE) {
    const to = Math.min(from + PIECE, head.bytes);
    const [one, other] = [await head.read(from, to), await embeddings.read(from, to)];
    for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return true;
  }
  return false;
}
