import { useEffect, useRef } from "preact/hooks";
import { glyph } from "../../draw/marks/head.ts";

/** The shape of a stereotype, as in the diagram: lock, database, queue. */
export function Glyph({ stereotype }: { stereotype: string }) {
  const parent = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const shape = glyph(stereotype);
    parent.current?.replaceChildren(...(shape ? [shape] : []));
  }, [stereotype]);
  return <span class="tn-glyph-place" ref={parent} />;
}
