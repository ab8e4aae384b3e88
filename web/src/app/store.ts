// The page's state, and what changes it.

import { computed, signal } from "@preact/signals";
import { DiagramModel, LostStep } from "../model/diagram.ts";
import { Hues } from "../model/hues.ts";
import { Lingering } from "../model/lingering.ts";
import { Ranking } from "../model/ranking.ts";
import { MAX_LIMIT, type Operations, type Overview, type Page, type Step, type Trace } from "../schema/messages.ts";
import type { Connection, Source, SourceEvents } from "./source.ts";
import { type Choice, choiceOf, formatHash, isSameSubject, lensOf, parseHash, type Subject } from "./subject.ts";

const FIRST_LIMIT = 500;

export interface Picture {
  readonly steps: readonly Step[];
  readonly from: number; // the first place that changed
  readonly isNew: boolean; // another subject than before
}

export class Store {
  readonly source: Source;
  readonly connection = signal<Connection>({ kind: "connecting" });
  readonly overview = signal<Overview | null>(null);
  readonly choice = signal<Choice>(parseHash(location.hash));
  readonly opened = signal<readonly string[]>([]); // folds
  readonly limit = signal(FIRST_LIMIT);
  readonly earlier = signal(0);
  readonly picture = signal<Picture | null>(null);
  readonly problem = signal<string | null>(null);
  readonly chosen = signal<Step | null>(null);
  readonly trace = signal<Trace | null>(null); // the chosen one, as it was last told of
  readonly second = signal(0); // counts on once a second, for what ticks
  readonly lens = computed(() => lensOf(this.choice.value, this.opened.value));
  readonly hues = new Hues();
  readonly ranking = new Ranking();
  readonly lingering = new Lingering();

  readonly #model = new DiagramModel();
  #shown: Subject | null = null;
  #clock = { serverNs: Date.now() * 1e6, at: performance.now() };

  constructor(open: (events: SourceEvents) => Source) {
    this.source = open({
      connection: (state) => this.#connected(state),
      page: (page) => this.#paged(page),
      operations: (operations) => this.#changed(operations),
      overview: (overview) => this.#told(overview),
      now: (serverNs) => {
        this.#clock = { serverNs, at: performance.now() };
      },
      problem: (detail) => this.#refused(detail),
    });
  }

  start(): void {
    window.addEventListener("hashchange", () => this.#follow(parseHash(location.hash)));
    window.setInterval(() => {
      if (this.connection.value.kind === "live") this.second.value += 1;
    }, 1000);
    this.#subscribe();
    this.source.connect();
  }

  /** The source's clock, wall ns. It stands still where nobody is there who knows what goes on. */
  nowNs = (): number => {
    const isLive = this.connection.value.kind === "live";
    return this.#clock.serverNs + (isLive ? (performance.now() - this.#clock.at) * 1e6 : 0);
  };

  choose(subject: Subject): void {
    this.#navigate(choiceOf(subject, this.choice.value));
  }

  setFold(fold: boolean): void {
    this.#navigate({ ...this.choice.value, fold });
  }

  setGrouped(grouped: boolean): void {
    this.#navigate({ ...this.choice.value, grouped });
  }

  open(fold: string): void {
    this.opened.value = [...this.opened.value, fold];
    this.#subscribe();
  }

  closeFolds(): void {
    this.opened.value = [];
    this.#subscribe();
  }

  showMore(): void {
    this.limit.value = Math.min(MAX_LIMIT, this.limit.value * 4);
    this.#subscribe();
  }

  /** The time of a lifecycle's first step in the picture, wall ns, rounded. */
  acquireNs(lifecycle: string): number | null {
    for (const step of this.#model.steps)
      if (step.step === "message" && step.lifecycle === lifecycle) return step.at_ns;
    return null;
  }

  #navigate(choice: Choice): void {
    const hash = formatHash(choice);
    if (hash !== location.hash) location.hash = hash; // hashchange follows
  }

  #follow(choice: Choice): void {
    const isOther = !isSameSubject(choice.subject, this.choice.value.subject);
    this.choice.value = choice;
    if (isOther) {
      this.trace.value = this.overview.value?.traces.find(({ id }) => id === choice.subject.id) ?? null;
      this.opened.value = [];
      this.limit.value = FIRST_LIMIT;
    }
    this.#subscribe();
  }

  #subscribe(): void {
    this.problem.value = null;
    this.source.subscribe(this.lens.value, this.limit.value);
  }

  #connected(state: Connection): void {
    if (state.kind !== "live") this.#clock = { serverNs: this.nowNs(), at: performance.now() };
    this.connection.value = state;
  }

  #paged(page: Page): void {
    const { subject } = this.choice.value;
    const isNew = this.#shown === null || !isSameSubject(this.#shown, subject);
    this.#shown = subject;
    this.#model.replace(page.steps);
    this.earlier.value = page.earlier;
    this.picture.value = { steps: this.#model.steps, from: 0, isNew };
  }

  /** Recent traces are few: the chosen one is remembered when it is no longer among them. */
  #told(overview: Overview): void {
    this.overview.value = overview;
    const { id } = this.choice.value.subject;
    const found = overview.traces.find((trace) => trace.id === id);
    if (found) this.trace.value = found;
  }

  /** The picture of the subject before must not stand under the name of the one that cannot be shown. */
  #refused(detail: string): void {
    this.problem.value = detail;
    const { subject } = this.choice.value;
    if (this.#shown !== null && isSameSubject(this.#shown, subject)) return;
    this.#shown = subject;
    this.#model.replace([]);
    this.earlier.value = 0;
    this.picture.value = { steps: this.#model.steps, from: 0, isNew: true };
  }

  #changed({ operations, earlier }: Operations): void {
    this.earlier.value = earlier;
    try {
      const from = this.#model.apply(operations);
      this.picture.value = { steps: this.#model.steps, from, isNew: false };
    } catch (error) {
      if (!(error instanceof LostStep)) throw error;
      this.source.refresh();
    }
  }
}
