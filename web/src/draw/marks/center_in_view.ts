/**
 * The middle of the visible part of a stretch from `left` to `right`.
 *
 * Something `width` wide around it stays within the stretch where that is possible.
 */
export function centerInView(left: number, right: number, width: number, viewLeft: number, viewRight: number): number {
  const middle = (Math.max(left, viewLeft) + Math.min(right, viewRight)) / 2;
  const most = right - width / 2;
  const least = left + width / 2;
  return least > most ? (left + right) / 2 : Math.min(most, Math.max(least, middle));
}
