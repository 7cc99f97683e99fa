/** Long work beside short work. */

/**
 * Acts on the items in pieces of `size`; behind each piece, everything else that waits gets its turn.
 *
 * @param items may change in between, if its iterator allows for it: a piece is acted on as soon as it is read
 * @param act returns whether to go on
 * @returns whether it came to the end
 */
export async function inTurns<Item>(
  items: Iterable<Item>,
  size: number,
  act: (piece: readonly Item[]) => boolean,
): Promise<boolean> {
  let piece: Item[] = [];
  for (const item of items) {
    piece.push(item);
    if (piece.length < size) continue;
    if (!act(piece)) return false;
    piece = [];
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return piece.length === 0 || act(piece);
}
