import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { DiagramView } from "../../draw/view.ts";
import { useStore } from "./context.ts";
import { Details } from "./Details.tsx";
import { TitleLine } from "./TitleLine.tsx";

/** The diagram of the chosen subject, with its title line above and the details of a step beside it. */
export function DiagramPane() {
  const store = useStore();
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<DiagramView | null>(null);
  const behind = useSignal(0);

  useEffect(() => {
    if (!place.current) return;
    const made = new DiagramView(place.current, store.hues, {
      chosen: (step) => {
        store.chosen.value = step;
      },
      participant: ({ role, ref }) => {
        if (ref) store.choose({ kind: role, id: ref });
      },
      unfold: (fold) => store.open(fold),
      behind: (rows) => {
        behind.value = rows;
      },
    });
    made.now = store.nowNs;
    view.current = made;
    show(made, true);
    return () => made.dispose();
  }, []);

  useSignalEffect(() => {
    store.picture.value;
    if (view.current) show(view.current, false);
  });

  function show(made: DiagramView, isFirst: boolean): void {
    const picture = store.picture.peek();
    if (!picture) return;
    const { subject } = store.choice.peek();
    made.clock = subject.kind === "trace" ? "since first" : "wall";
    const isGrowing = picture.steps.some((step) => step.step === "note" && step.kind === "open");
    const isOver = store.connection.peek().kind === "recorded" || (subject.kind === "trace" && !isGrowing);
    const from = isOver ? "beginning" : "end";
    if (picture.isNew || isFirst) made.show(picture.steps, from);
    else made.update(picture.steps, picture.from);
  }

  const picture = store.picture.value;
  const isEmpty = picture !== null && picture.steps.length === 0;
  return (
    <section class="pane" aria-label="Diagram">
      <TitleLine />
      <div class="stage">
        <div class="place" ref={place} />
        {isEmpty && !store.problem.value && (
          <p class="nothing">No lifecycles yet. The diagram starts with the next async with.</p>
        )}
        {behind.value > 0 && (
          <button type="button" class="behind" onClick={() => view.current?.toEnd()}>
            {behind.value.toLocaleString("en")} new ↓
          </button>
        )}
        <Details close={() => view.current?.choose(null)} />
      </div>
    </section>
  );
}
