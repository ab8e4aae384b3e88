// Whether the page is as narrow as the styles' own limit: there is room for one name where there are two otherwise.

import { signal } from "@preact/signals";

const query = window.matchMedia("(max-width: 960px)");

export const isNarrow = signal(query.matches);

query.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches;
});
