// Whether the page is narrower than the limit in the styles. A narrow table shows one name instead of two.

import { signal } from "@preact/signals";

const query = window.matchMedia("(max-width: 960px)");

export const isNarrow = signal(query.matches);

query.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches;
});
