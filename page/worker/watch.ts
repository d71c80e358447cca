/**
 * Watches a session step by step: from `onStep` it learns which tokens a step took in, who left and with which score, from
 * `outlook` who would have been next. Of every step it writes a record; the page hears of them at most
 * once a frame, and of all scores at most ten times a second.
 */
import type { StepEvent } from "../../src/options/events.ts";
import type { Session } from "../../src/session/session.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { RunLog } from "../log.ts";
import { type FromWorker, type Shown, writeStep } from "../protocol.ts";
import { buffersOf, copyOf, readScores, ScoreMemory } from "./scores.ts";

const FRAME = 16; // ms
const SCORES = 100; // ms

type Post = (message: FromWorker, transfer?: ArrayBuffer[]) => void;

export class Watch {
  log: RunLog;
  readonly scores = new ScoreMemory();
  session: Session | null = null;
  readonly #lanes: number;
  readonly #kvHeads: number;
  readonly #tokenizer: Tokenizer;
  readonly #special: Set<number>;
  readonly #post: Post;
  #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #ids: number[] = []; // by position, those that were shown
  #step: Pick<StepEvent, "first" | "ids"> | null = null; // done, and not yet written down
  #went: Int32Array<ArrayBuffer>; // [lanes]
  #gone: number[] = []; // positions
  #goneScores: number[] = [];
  #words = new Int32Array(4096); // steps not yet sent
  #end = 0; // words
  #shown: Shown[] = [];
  #sent = 0; // when steps were sent last
  #scored = 0; // when scores were read last
  #scoredStep = 0;

  constructor(layers: number, kvHeads: number, tokenizer: Tokenizer, post: Post) {
    this.#lanes = layers * kvHeads;
    this.#kvHeads = kvHeads;
    this.#tokenizer = tokenizer;
    this.#special = new Set(tokenizer.specialTokens.map(({ id }) => id));
    this.#post = post;
    this.log = new RunLog(this.#lanes);
    this.#went = new Int32Array(this.#lanes);
  }

  /** Takes the session's steps. */
  readonly onStep = (step: StepEvent): void => {
    if (step.first === 0 && this.log.steps > 0) this.#forget();
    this.#step = step;
    for (const { layer, head, position, score } of step.victims) {
      this.#went[layer * this.#kvHeads + head]++;
      this.#gone.push(position);
      this.#goneScores.push(score);
    }
  };

  #forget() {
    this.flush();
    this.#utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    this.#ids = [];
    this.#scoredStep = 0;
    this.log = new RunLog(this.#lanes);
    this.scores.clear();
    this.#post({ type: "forgot" });
  }

  /** A step is done. @param chosen the id that the model chose after it */
  stepped(chosen: number | null): void {
    if (!this.#step || !this.session) return;
    const { first, ids } = this.#step;
    this.#step = null;
    ids.forEach((id, i) => this.#show(first + i, id, false));
    if (chosen !== null) this.#show(first + ids.length, chosen, true);
    const outlook = this.session.outlook();
    const books = this.session.laneViews();
    const next = Float32Array.from(outlook, ({ scores, next }, lane) => {
      return next >= 0 && books[lane].positions[next] >= 0 ? scores[next] : NaN;
    });
    const step = { step: this.log.steps + 1, first, ids, went: this.#went };
    const record = { ...step, gone: this.#gone, scores: this.#goneScores, next };
    this.log.add(record);
    [this.#words, this.#end] = writeStep(this.#words, this.#end, record);
    this.#went.fill(0);
    this.#gone.length = this.#goneScores.length = 0;
    const now = performance.now();
    if (now - this.#sent >= FRAME) this.flush();
    if (now - this.#scored >= SCORES) this.score();
  }

  #show(position: number, id: number, made: boolean) {
    if (this.#ids[position] === id) return; // it was shown when it was chosen
    this.#ids[position] = id;
    const text = this.#utf8.decode(this.#tokenizer.bytes(id), { stream: true });
    this.#shown.push({ position, id, text, special: this.#special.has(id), made });
  }

  /** Sends the steps that the page has not heard of. */
  flush(): void {
    if (this.#end === 0) return;
    this.#sent = performance.now();
    const records = this.#words.slice(0, this.#end);
    this.#post({ type: "steps", records, shown: this.#shown }, [records.buffer]);
    this.#end = 0;
    this.#shown = [];
  }

  /** Records the scores as they are now, and sends them. */
  score(): void {
    if (!this.session || this.log.steps === 0 || this.#scoredStep === this.log.steps) return;
    this.flush();
    this.#scored = performance.now();
    this.#scoredStep = this.log.steps;
    const scores = readScores(this.session, this.log.steps);
    this.scores.add(scores);
    const copy = copyOf(scores);
    this.#post({ type: "scores", scores: copy, recorded: false }, buffersOf(copy));
    this.#post({ type: "report", report: { ...this.session.report(), ids: [] }, ended: false });
  }
}
