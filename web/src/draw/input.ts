// From the reader's pointer and keys to what they ask of the diagram.

export interface InputEvents {
  scrolled(): void;
  hovered(target: EventTarget | null): void;
  /** A step was selected, or a place without a step. */
  step(id: string | null): void;
  participant(id: string): void;
  unfold(fold: string): void;
  /** To the next step or to the previous one. */
  move(by: 1 | -1): void;
  /** Escape; true when there was something to close. */
  escape(): boolean;
}

export function listen(element: HTMLElement, events: InputEvents): void {
  element.addEventListener("scroll", () => events.scrolled(), { passive: true });
  element.addEventListener("pointerover", (event) => events.hovered(event.target));
  element.addEventListener("pointerleave", () => events.hovered(null));
  element.addEventListener("click", (event) => select(event.target, events));
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (press(event, events)) event.preventDefault();
  });
}

function select(target: EventTarget | null, events: InputEvents): void {
  if (!(target instanceof Element)) return;
  const dataOf = (attribute: string) => target.closest<SVGElement | HTMLElement>(`[${attribute}]`)?.dataset;
  const { fold } = dataOf("data-fold") ?? {};
  const { participant } = dataOf("data-participant") ?? {};
  if (fold !== undefined) events.unfold(fold);
  else if (participant !== undefined) events.participant(participant);
  else events.step(dataOf("data-id")?.id ?? null);
}

/** True when the key had an effect. */
function press({ key, target }: KeyboardEvent, events: InputEvents): boolean {
  switch (key) {
    case "j":
      events.move(1);
      return true;
    case "k":
      events.move(-1);
      return true;
    case "Escape":
      return events.escape();
    case "Enter":
    case " ": {
      const isButton = target instanceof SVGElement && target.getAttribute("role") === "button";
      if (isButton) select(target, events);
      return isButton;
    }
    default:
      return false;
  }
}
