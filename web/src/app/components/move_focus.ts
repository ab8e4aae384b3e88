/** Arrow keys, j and k, Home and End move the focus among the buttons of a list. */
export function moveFocus(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const list = event.currentTarget as HTMLElement;
  const items = [...list.querySelectorAll<HTMLElement>("[data-item]")];
  const here = items.indexOf(document.activeElement as HTMLElement);
  const to = targetOf(event.key, here, items.length);
  const item = to === null ? undefined : items[to];
  if (!item) return;
  event.preventDefault();
  item.focus();
}

function targetOf(key: string, here: number, count: number): number | null {
  switch (key) {
    case "ArrowDown":
    case "j":
      return Math.min(count - 1, here + 1);
    case "ArrowUp":
    case "k":
      return Math.max(0, here - 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
