import { effect, untracked, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { DiagramView } from "../../draw/view.ts";
import { useStore } from "./context.ts";
import { Details } from "./Details.tsx";
import { TitleLine } from "./TitleLine.tsx";

/** The diagram of the chosen subject, with its title line above and the details of a step beside it. */
export function DiagramPane() {
  const store = useStore();
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<DiagramView | null>(null);
  const unread = useSignal(0);

  useEffect(() => {
    if (!parent.current) return;
    const created = new DiagramView(parent.current, store.hues, store.nowNs, {
      chosen: (step) => {
        store.chosen.value = step;
      },
      participant: ({ role, ref }) => {
        if (ref) store.choose({ kind: role, id: ref });
      },
      unfold: (fold) => store.unfold(fold),
      unread: (rows) => {
        unread.value = rows;
      },
    });
    view.current = created;
    show(created, true);
    return () => created.dispose();
  }, []);

  // Not useSignalEffect, which waits for the next frame: table and title would show the new state before the diagram.
  useEffect(() => {
    const stopShowing = effect(() => {
      store.diagram.value;
      untracked(() => view.current && show(view.current, false));
    });
    const stopTicking = effect(() => {
      store.second.value;
      untracked(() => view.current?.tick());
    });
    return () => {
      stopShowing();
      stopTicking();
    };
  }, []);

  function show(target: DiagramView, isFirst: boolean): void {
    const diagram = store.diagram.peek();
    if (!diagram) return;
    const { subject } = store.choice.peek();
    target.clock = subject.kind === "trace" ? "since first" : "wall";
    const isGrowing = diagram.steps.some((step) => step.step === "note" && step.kind === "open");
    const isOver = store.connection.peek().kind === "recorded" || (subject.kind === "trace" && !isGrowing);
    const from = isOver ? "beginning" : "end";
    if (diagram.isNew || isFirst) target.show(diagram.steps, from);
    else target.update(diagram.steps, diagram.from);
  }

  const diagram = store.diagram.value;
  const isEmpty = diagram !== null && diagram.steps.length === 0;
  return (
    <section class="tn-pane" aria-label="Diagram">
      <TitleLine />
      <div class="tn-stage">
        <div class="tn-view" ref={parent} />
        {isEmpty && !store.problem.value && (
          <p class="tn-no-steps">No lifecycles yet. The diagram starts with the next async with.</p>
        )}
        {unread.value > 0 && (
          <button type="button" class="tn-unread" onClick={() => view.current?.toEnd()}>
            {unread.value.toLocaleString("en")} new ↓
          </button>
        )}
        <Details close={() => view.current?.choose(null)} />
      </div>
    </section>
  );
}
