// Likewise of contexts that take in a token together, each of them sound by itself.

import { CONTEXT_FLAGS, CONTEXT_LENGTH, CONTEXT_OBSERVED, CONTEXT_SLOTS, CONTEXT_STAGES, CONTEXT_STRIDE, CONTEXT_TOKENS, FLAG_EVERY, MOST_MEMBERS } from "./abi";
import { apart, within } from "./check";
import { bytesElsewhere } from "./check-context";
import { word } from "./rows";

/** Whether a sound context has room for the rows of so many others as it says, and of its fours. */
export function gatheringIsSound(gathering: usize): bool {
  const stride = word(gathering, CONTEXT_STRIDE);
  return within(word(gathering, CONTEXT_TOKENS), min<u32>(stride, MOST_MEMBERS)) && (stride & 3) == 0 &&
    (word(gathering, CONTEXT_FLAGS) & FLAG_EVERY) != 0;
}

/**
 * Whether member `index` of a gathering is a context that is neither this nor one of those before, takes in one token, and its books
 * lie where none of these does.
 */
export function memberIsSound(model: usize, gathering: usize, index: u32): bool {
  const members: usize = word(gathering, CONTEXT_SLOTS);
  const member: usize = word(members, index);
  if (word(member, CONTEXT_TOKENS) != 1 || word(member, CONTEXT_STAGES)) return false;
  for (let i: u32 = 0; i < index; i++) {
    const other: usize = word(members, i);
    if (!areApart(model, member, other) || !booksAreApart(model, other, member)) return false;
  }
  return areApart(model, member, gathering);
}

/** Whether a context's block does not meet another's, and its books neither that nor the other's. */
function areApart(model: usize, a: usize, b: usize): bool {
  if (!apart(a, word(a, CONTEXT_LENGTH), b, word(b, CONTEXT_LENGTH)) || !booksAreApart(model, a, b)) return false;
  const bytes = bytesElsewhere(model, a);
  const others = bytesElsewhere(model, b);
  return bytes == 0 || others == 0 || apart(word(a, CONTEXT_OBSERVED), bytes, word(b, CONTEXT_OBSERVED), others);
}

/** Whether a context's books do not meet another's block. */
function booksAreApart(model: usize, a: usize, b: usize): bool {
  const bytes = bytesElsewhere(model, a);
  return bytes == 0 || apart(word(a, CONTEXT_OBSERVED), bytes, b, word(b, CONTEXT_LENGTH));
}
