// The threads of an engine. The first one walks through the pass and offers its large parts as jobs, in chunks; whoever is free
// takes the next chunk. What a chunk computes does not depend on who does it. A thread that does not get to run holds nobody
// up unless it is in the middle of a chunk: the others take what there is.
//
// The ticket says which job is offered, of how many chunks, and how many are taken: [job 32 | count 16 | taken 16]. A job's
// arguments stand still until all its chunks are done, so who takes a chunk by exchanging the ticket has read the right ones.

import { CACHE_WORDS, CONTEXT_HEADER, CONTEXT_TOKENS, MODEL_EXPERTS_USED, MODEL_TEAM, MODEL_THREADS, TEAM_AWAITED, TEAM_DONE, TEAM_JOB, TEAM_SLEEPERS, TEAM_TICKET } from "./abi";
import { attend } from "./attention";
import { shareOf } from "./experts";
import { multiply, prepare } from "./product";
import { word } from "./rows";
import { geglu, join, normalise, swiglu } from "./vector";

const SPINS = 50000; // before a thread sleeps: some 50 µs, more than a chunk of a step takes

/** Milliseconds of the host's clock. */
@external("env", "now")
declare function now(): f64;

// A thread that is in the middle of a chunk when its processor is given to another program holds the first one up for as long as
// that takes. Where this happens, the first thread does the next jobs alone, twice as many each time that it soon happens again.
const LATE = 0.3; // ms that a chunk of at most four tokens is waited for
const LEAST_ALONE: u32 = 64; // jobs
const MOST_ALONE: u32 = 4096;
let alone: u32 = 0; // jobs from now on
let lesson: u32 = LEAST_ALONE; // how many there are the next time

const ENDED: u32 = 0xffffffff; // no job has this number

const JOB_MULTIPLY: u32 = 1;
const JOB_ATTEND: u32 = 2;
const JOB_NORMALISE: u32 = 3;
const JOB_PREPARE: u32 = 4;
const JOB_SWIGLU: u32 = 5;
const JOB_JOIN: u32 = 6;
const JOB_EXPERTS: u32 = 7; // and its steps

let team: usize = 0;
let threads: u32 = 1;
let own: u32 = 0; // this thread
let offered: u32 = 0; // jobs so far

/** Before a pass, in the first thread. */
export function beginTeam(model: usize): void {
  team = word(model, MODEL_TEAM);
  threads = word(model, MODEL_THREADS);
}

@inline
function argument(index: i32): u32 {
  return load<u32>(team + <usize> ((TEAM_JOB + 1 + index) << 2));
}

@inline
function setArgument(index: i32, value: usize): void {
  store<u32>(team + <usize> ((TEAM_JOB + 1 + index) << 2), <u32> value);
}

/** Does one chunk of the job that stands in the team. */
function work(index: u32, count: u32): void {
  const job = load<u32>(team + (TEAM_JOB << 2));
  const a = argument(0);
  const b = argument(1);
  const c = argument(2);
  const d = argument(3);
  const e = argument(4);
  const f = argument(5);
  const g = argument(6);
  const h = argument(7);
  if (job == JOB_MULTIPLY) {
    multiply(a, b, c, d, e, f, g, h != 0, index, count);
    return;
  }
  if (job == JOB_ATTEND) {
    const context: usize = d ? word(c, index / d) : c;
    attend(a, b, context, context + <usize> ((CONTEXT_HEADER + e * CACHE_WORDS) << 2), e, own, d ? index % d : index);
    return;
  }
  if (job >= JOB_EXPERTS) {
    shareOf(job - JOB_EXPERTS, a, b, c, d, e != 0, g, index, count);
    return;
  }
  // The others have `tokens` (g) rows, spans of which are chunks.
  const begin = g * index / count;
  const end = g * (index + 1) / count;
  if (job == JOB_PREPARE) {
    prepare(a, b, c, d, begin, end);
    return;
  }
  for (let token = begin; token < end; token++) {
    if (job == JOB_NORMALISE) {
      const at = <usize> (token * e) << 2;
      normalise(<usize> a + at, b, <usize> c + at, d, reinterpret<f32>(f));
    } else if (job == JOB_JOIN) {
      const at = <usize> (token * d) << 2;
      join(<usize> a + at, <usize> b + at, c, reinterpret<f32>(e), h, reinterpret<f32>(f));
    } else {
      const from = <usize> a + (<usize> (token * b) << 2);
      const to = <usize> c + (<usize> (token * d) << 2);
      if (h) geglu(from, to, e);
      else swiglu(from, to, e);
    }
  }
}

/** Does a job whose arguments are set, with the other threads where that pays. */
function share(job: u32, count: u32, tokens: u32): void {
  store<u32>(team + (TEAM_JOB << 2), job);
  if (threads == 1 || count == 1 || alone > 0) {
    if (alone > 0 && count > 1) alone--;
    for (let index: u32 = 0; index < count; index++) work(index, count);
    return;
  }
  offer(count);
  const late = waitFor(count);
  if (late > LATE * <f64> max<u32>(1, tokens >> 2)) {
    alone = lesson;
    lesson = min(MOST_ALONE, lesson << 1);
  } else lesson = max(LEAST_ALONE, lesson - (lesson >> 5));
}

/** Offers a job, and takes part in it until all its chunks are taken. */
function offer(count: u32): void {
  atomic.store<u32>(team + (TEAM_DONE << 2), 0);
  offered = (offered + 1) & 0x7fffffff;
  const ticket = (<u64> offered << 32) | (<u64> count << 16);
  atomic.store<u64>(team + (TEAM_TICKET << 2), ticket);
  if (atomic.load<u32>(team + (TEAM_SLEEPERS << 2))) atomic.notify(team + (TEAM_TICKET << 2) + 4, -1);
  while (take()) {}
}

/** Waits until all chunks are done. @returns for how many ms; 0: less than it takes to ask */
function waitFor(count: u32): f64 {
  let since: f64 = 0;
  let spins = 0;
  while (true) {
    const done = atomic.load<u32>(team + (TEAM_DONE << 2));
    if (done == count) return since > 0 ? now() - since : 0;
    if (++spins < SPINS) continue;
    if (since == 0) since = now();
    atomic.store<u32>(team + (TEAM_AWAITED << 2), 1);
    if (atomic.load<u32>(team + (TEAM_DONE << 2)) == done) atomic.wait<i32>(team + (TEAM_DONE << 2), done, -1);
    atomic.store<u32>(team + (TEAM_AWAITED << 2), 0);
    spins = 0;
  }
}

/** Takes a chunk and does it. @returns whether there was one */
function take(): bool {
  const at = team + (TEAM_TICKET << 2);
  while (true) {
    const ticket = atomic.load<u64>(at);
    const count = <u32> (ticket >> 16) & 0xffff;
    const index = <u32> ticket & 0xffff;
    if (index >= count) return false;
    if (atomic.cmpxchg<u64>(at, ticket, ticket + 1) != ticket) continue;
    work(index, count);
    atomic.add<u32>(team + (TEAM_DONE << 2), 1);
    if (atomic.load<u32>(team + (TEAM_AWAITED << 2))) atomic.notify(team + (TEAM_DONE << 2), 1);
    return true;
  }
}

/** A further thread: works until the team ends. @param thread its number, from 1 */
export function serve(model: usize, thread: u32): void {
  beginTeam(model);
  own = thread;
  const job = team + (TEAM_TICKET << 2) + 4;
  while (true) {
    const seen = atomic.load<u32>(job);
    if (seen == ENDED) return;
    while (take()) {}
    let spins = 0;
    while (atomic.load<u32>(job) == seen) {
      if (++spins < SPINS) continue;
      atomic.add<u32>(team + (TEAM_SLEEPERS << 2), 1);
      atomic.wait<i32>(job, <i32> seen, -1);
      atomic.sub<u32>(team + (TEAM_SLEEPERS << 2), 1);
      spins = 0;
    }
  }
}

/** Ends the further threads. */
export function endTeam(model: usize): void {
  beginTeam(model);
  atomic.store<u64>(team + (TEAM_TICKET << 2), <u64> ENDED << 32);
  atomic.notify(team + (TEAM_TICKET << 2) + 4, -1);
}

/** How many chunks: more than threads, so that who is late leaves some to the others. @param most what can be told apart */
@inline
function chunks(most: u32): u32 {
  return threads == 1 ? 1 : max(1, min(most, threads * 4));
}

/** y = W·x, or y += W·x. */
export function shareMultiply(
  context: usize,
  matrix: usize,
  x: usize,
  width: u32,
  y: usize,
  pitch: u32,
  tokens: u32,
  more: bool,
): void {
  setArgument(0, context);
  setArgument(1, matrix);
  setArgument(2, x);
  setArgument(3, width);
  setArgument(4, y);
  setArgument(5, pitch);
  setArgument(6, tokens);
  setArgument(7, more ? 1 : 0);
  share(JOB_MULTIPLY, chunks(pitch >> 4), tokens);
}

/** The attention of layer `index`, a KV head a chunk. */
export function shareAttend(model: usize, layer: usize, context: usize, index: u32, kvHeads: u32): void {
  setArgument(0, model);
  setArgument(1, layer);
  setArgument(2, context);
  setArgument(3, 0);
  setArgument(4, index);
  share(JOB_ATTEND, kvHeads, 4 * word(context, CONTEXT_TOKENS)); // a head is a large chunk
}

/** The same of several contexts, of a token each. @param members their addresses */
export function shareAttendAll(model: usize, layer: usize, members: usize, count: u32, index: u32, kvHeads: u32): void {
  setArgument(0, model);
  setArgument(1, layer);
  setArgument(2, members);
  setArgument(3, kvHeads);
  setArgument(4, index);
  share(JOB_ATTEND, kvHeads * count, 4);
}

export function shareNormalise(x: usize, weight: usize, y: usize, n: u32, width: u32, eps: f32, tokens: u32): void {
  setArgument(0, x);
  setArgument(1, weight);
  setArgument(2, y);
  setArgument(3, n);
  setArgument(4, width);
  setArgument(5, reinterpret<u32>(eps));
  setArgument(6, tokens);
  share(JOB_NORMALISE, chunks(tokens), tokens);
}

/** See join. */
export function shareJoin(y: usize, x: usize, n: u32, width: u32, scale: f32, weight: usize, eps: f32, tokens: u32): void {
  setArgument(0, y);
  setArgument(1, x);
  setArgument(2, n);
  setArgument(3, width);
  setArgument(4, reinterpret<u32>(scale));
  setArgument(5, reinterpret<u32>(eps));
  setArgument(7, weight);
  setArgument(6, tokens);
  share(JOB_JOIN, chunks(tokens), tokens);
}

export function sharePrepare(context: usize, matrix: usize, x: usize, width: u32, tokens: u32): void {
  setArgument(0, context);
  setArgument(1, matrix);
  setArgument(2, x);
  setArgument(3, width);
  setArgument(6, tokens);
  share(JOB_PREPARE, chunks(tokens), tokens);
}

export function shareSwiglu(gateUp: usize, both: u32, activated: usize, width: u32, n: u32, gelu: u32, tokens: u32): void {
  setArgument(0, gateUp);
  setArgument(1, both);
  setArgument(2, activated);
  setArgument(3, width);
  setArgument(4, n);
  setArgument(6, tokens);
  setArgument(7, gelu);
  share(JOB_SWIGLU, chunks(tokens), tokens);
}

/** A step of a layer of experts, see shareOf. @param most chunks that can be told apart */
export function shareExperts(
  step: u32,
  most: u32,
  model: usize,
  layer: usize,
  context: usize,
  at: usize,
  more: bool,
  tokens: u32,
): void {
  setArgument(0, model);
  setArgument(1, layer);
  setArgument(2, context);
  setArgument(3, at);
  setArgument(4, more ? 1 : 0);
  setArgument(6, tokens);
  share(JOB_EXPERTS + step, chunks(most), tokens * word(model, MODEL_EXPERTS_USED));
}
