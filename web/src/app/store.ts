// The page's state, and everything that changes it.

import { computed, signal } from "@preact/signals";
import { DiagramModel, LostStep } from "../model/diagram.ts";
import { Hues } from "../model/hues.ts";
import { Ranking } from "../model/ranking.ts";
import { RecentUses } from "../model/recent_uses.ts";
import {
  MAX_LIMIT,
  type OpenCounts,
  type Operations,
  type Overview,
  type Page,
  type Step,
  type Trace,
} from "../schema/messages.ts";
import type { Connection, Source, SourceEvents } from "./source.ts";
import { type Choice, choiceOf, formatHash, isSameSubject, lensOf, parseHash, type Subject } from "./subject.ts";

const FIRST_LIMIT = 500;

/** The steps to show, and what changed. */
export interface DiagramState {
  readonly steps: readonly Step[];
  readonly from: number; // the first index that changed
  readonly isNew: boolean; // another subject than before
}

export class Store {
  readonly source: Source;
  readonly connection = signal<Connection>({ kind: "connecting" });
  readonly overview = signal<Overview | null>(null);
  readonly choice = signal<Choice>(parseHash(location.hash));
  readonly unfolded = signal<readonly string[]>([]); // ids of folds
  readonly limit = signal(FIRST_LIMIT);
  readonly earlier = signal(0);
  readonly open = signal<OpenCounts | null>(null); // of the subject, drawn or not
  readonly leftOut = signal(0); // lifecycles of libraries that the diagram leaves out
  readonly diagram = signal<DiagramState | null>(null);
  readonly problem = signal<string | null>(null);
  readonly chosen = signal<Step | null>(null);
  readonly trace = signal<Trace | null>(null); // the chosen trace in its latest known state
  readonly second = signal(0); // grows once a second, so that ticking texts are rendered again, all with one time
  readonly lens = computed(() => lensOf(this.choice.value, this.unfolded.value));
  readonly hues = new Hues();
  readonly ranking = new Ranking();
  readonly recentUses = new RecentUses();

  readonly #model = new DiagramModel();
  #shownSubject: Subject | null = null;
  #clock = { serverNs: Date.now() * 1e6, at: performance.now() };
  #shownNs = Date.now() * 1e6;

  constructor(open: (events: SourceEvents) => Source) {
    this.source = open({
      connection: (state) => this.#onConnection(state),
      page: (page) => this.#onPage(page),
      operations: (operations) => this.#onOperations(operations),
      overview: (overview) => this.#onOverview(overview),
      now: (serverNs) => {
        this.#clock = { serverNs, at: performance.now() };
        this.#shownNs = serverNs;
      },
      problem: (detail) => this.#onProblem(detail),
    });
  }

  start(): void {
    window.addEventListener("hashchange", () => this.#onHash(parseHash(location.hash)));
    window.setInterval(() => {
      if (this.connection.value.kind !== "live") return;
      this.#shownNs = this.#sourceNs();
      this.second.value += 1;
    }, 1000);
    this.#subscribe();
    this.source.connect();
  }

  /** The time of what is shown, wall ns: one for table, title and diagram. It moves on with messages and each second. */
  nowNs = (): number => this.#shownNs;

  choose(subject: Subject): void {
    this.#navigate(choiceOf(subject, this.choice.value));
  }

  setFold(fold: boolean): void {
    this.#navigate({ ...this.choice.value, fold });
  }

  setGrouped(grouped: boolean): void {
    this.#navigate({ ...this.choice.value, grouped });
  }

  setInternal(internal: boolean): void {
    this.#navigate({ ...this.choice.value, internal });
  }

  unfold(fold: string): void {
    this.unfolded.value = [...this.unfolded.value, fold];
    this.#subscribe();
  }

  foldAgain(): void {
    this.unfolded.value = [];
    this.#subscribe();
  }

  showMore(): void {
    this.limit.value = Math.min(MAX_LIMIT, this.limit.value * 4);
    this.#subscribe();
  }

  /** The time of a lifecycle's first step in the diagram, wall ns, rounded. */
  acquireNs(lifecycle: string): number | null {
    for (const step of this.#model.steps)
      if (step.step === "message" && step.lifecycle === lifecycle) return step.at_ns;
    return null;
  }

  #navigate(choice: Choice): void {
    const hash = formatHash(choice);
    if (hash !== location.hash) location.hash = hash; // hashchange follows
  }

  #onHash(choice: Choice): void {
    const isOtherSubject = !isSameSubject(choice.subject, this.choice.value.subject);
    this.choice.value = choice;
    if (isOtherSubject) {
      this.open.value = null;
      this.trace.value = this.overview.value?.traces.find(({ id }) => id === choice.subject.id) ?? null;
      this.unfolded.value = [];
      this.limit.value = FIRST_LIMIT;
    }
    this.#subscribe();
  }

  #subscribe(): void {
    this.problem.value = null;
    this.source.subscribe(this.lens.value, this.limit.value);
  }

  /** The source's clock. It stops while there is no connection, because nothing newer is known. */
  #sourceNs(): number {
    const isLive = this.connection.value.kind === "live";
    return this.#clock.serverNs + (isLive ? (performance.now() - this.#clock.at) * 1e6 : 0);
  }

  #onConnection(state: Connection): void {
    if (state.kind !== "live") this.#clock = { serverNs: this.#sourceNs(), at: performance.now() };
    this.connection.value = state;
  }

  #onPage(page: Page): void {
    const { subject } = this.choice.value;
    const isNew = this.#shownSubject === null || !isSameSubject(this.#shownSubject, subject);
    this.#shownSubject = subject;
    this.#model.replace(page.steps);
    this.earlier.value = page.earlier;
    this.open.value = page.open;
    this.leftOut.value = page.internal;
    this.diagram.value = { steps: this.#model.steps, from: 0, isNew };
  }

  /** The overview has only recent traces. The chosen one is kept when it is no longer among them. */
  #onOverview(overview: Overview): void {
    this.overview.value = overview;
    const { id } = this.choice.value.subject;
    const trace = overview.traces.find((candidate) => candidate.id === id);
    if (trace) this.trace.value = trace;
  }

  /** The previous subject's diagram must not stay under the name of a subject that cannot be shown. */
  #onProblem(detail: string): void {
    this.problem.value = detail;
    const { subject } = this.choice.value;
    if (this.#shownSubject !== null && isSameSubject(this.#shownSubject, subject)) return;
    this.#shownSubject = subject;
    this.#model.replace([]);
    this.earlier.value = 0;
    this.open.value = null;
    this.leftOut.value = 0;
    this.diagram.value = { steps: this.#model.steps, from: 0, isNew: true };
  }

  #onOperations({ operations, earlier, open, internal }: Operations): void {
    this.earlier.value = earlier;
    this.open.value = open;
    this.leftOut.value = internal;
    try {
      const from = this.#model.apply(operations);
      this.diagram.value = { steps: this.#model.steps, from, isNew: false };
    } catch (error) {
      if (!(error instanceof LostStep)) throw error;
      this.source.refresh();
    }
  }
}
