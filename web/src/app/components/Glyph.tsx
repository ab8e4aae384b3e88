import { useEffect, useRef } from "preact/hooks";
import { glyph } from "../../draw/marks/head.ts";

/** The shape by which the diagram tells a stereotype: lock, database, queue. */
export function Glyph({ stereotype }: { stereotype: string }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const shape = glyph(stereotype);
    place.current?.replaceChildren(...(shape ? [shape] : []));
  }, [stereotype]);
  return <span class="glyph-place" ref={place} />;
}
