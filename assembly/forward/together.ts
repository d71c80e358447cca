// A token for each of several contexts, as pass.ts would take it into each of them: to the last bit the same, for rows of a product do
// not depend on each other. All products are of all tokens at once; attention is each context's own.

import {
  CONTEXT_ASKED,
  CONTEXT_FLAGS,
  CONTEXT_IDS,
  CONTEXT_LOGITS,
  CONTEXT_MIXED,
  CONTEXT_QKV,
  CONTEXT_SLOTS,
  CONTEXT_TOKENS,
  CONTEXT_X,
  FLAG_RANKED,
  MODEL_HEAD_DIM,
  MODEL_HEADS,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
  MODEL_VOCAB,
  PASS_OUTPUT,
  PASS_REUSED,
} from "./abi";
import { begin, choose, embed, foresee, goOn, layerOf, project, rerank } from "./pass";
import { padded, word } from "./rows";
import { shareAttendAll } from "./team";

/** Copies a row of `floats` for each member, between the rooms of the gathering and its own. */
function copyRows(gathering: usize, members: usize, count: u32, room: i32, floats: u32, back: bool): void {
  const bytes = <usize> floats << 2;
  for (let i: u32 = 0; i < count; i++) {
    const own: usize = word(word(members, i), room);
    const row = <usize> word(gathering, room) + <usize> i * bytes;
    if (back) memory.copy(row, own, bytes);
    else memory.copy(own, row, bytes);
  }
}

/**
 * Takes a token into each of several contexts, by the rooms of one more that gathers them, whose cache is not used. It says how many
 * they are (CONTEXT_TOKENS), and where (CONTEXT_SLOTS); what `run` would answer for each goes to its CONTEXT_IDS.
 */
export function runTogether(model: usize, gathering: usize): void {
  const count = word(gathering, CONTEXT_TOKENS);
  const members: usize = word(gathering, CONTEXT_SLOTS);
  begin(model, gathering, count);
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const vocab = word(model, MODEL_VOCAB);
  const ids: usize = word(gathering, CONTEXT_IDS);
  let output = false;
  for (let i: u32 = 0; i < count; i++) {
    const member = word(members, i);
    const asked = word(member, CONTEXT_ASKED);
    if (word(member, CONTEXT_FLAGS) & FLAG_RANKED && asked & PASS_REUSED) rerank(model, member);
    if (asked & PASS_OUTPUT) output = true;
    store<u32>(ids + (<usize> i << 2), word(word(member, CONTEXT_IDS), 0));
  }
  embed();
  for (let i: u32 = 0; i < word(model, MODEL_LAYERS); i++) {
    project(layerOf(i));
    copyRows(gathering, members, count, CONTEXT_QKV, (heads + 2 * kvHeads) * dim, false);
    shareAttendAll(model, layerOf(i), members, count, i, kvHeads);
    copyRows(gathering, members, count, CONTEXT_MIXED, padded(heads * dim), true);
    goOn(layerOf(i));
  }
  const logits: usize = word(gathering, CONTEXT_LOGITS);
  const bytes = <usize> vocab << 2;
  if (output) foresee(word(gathering, CONTEXT_X), count);
  for (let i: u32 = 0; i < count; i++) {
    const member = word(members, i);
    const asked = (word(member, CONTEXT_ASKED) & PASS_OUTPUT) != 0;
    if (asked) memory.copy(word(member, CONTEXT_LOGITS), logits + <usize> i * bytes, bytes);
    store<u32>(ids + (<usize> i << 2), asked ? choose(member, 1) : vocab);
  }
}
