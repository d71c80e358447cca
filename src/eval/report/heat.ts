/** A map of a share by depth and length, drawn as SVG. */
import type { Values } from "../tasks/task.ts";
import { type Markup, markup, place } from "./markup.ts";

const [CELL, LINE, LEFT, TOP] = [54, 28, 44, 22];

/** What was found at one length and depth. */
interface Cell {
  readonly share: number;
  readonly count: number;
}

/** The means of `found` by length and depth. */
export function cellsOf(documents: readonly { readonly told: Values; readonly values: Values }[]): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  for (const { told: { length, depth }, values: { found } } of documents) {
    const { share, count } = cells.get(`${length}/${depth}`) ?? { share: 0, count: 0 };
    cells.set(`${length}/${depth}`, { share: (share * count + found) / (count + 1), count: count + 1 });
  }
  return cells;
}

const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

/** The map as SVG: lengths to the right, depths downwards. */
export function heatOf(
  title: string,
  documents: readonly { readonly told: Values; readonly values: Values }[],
): Markup {
  const cells = cellsOf(documents);
  const lengths = ascending(documents.map(({ told }) => told.length));
  const depths = ascending(documents.map(({ told }) => told.depth));
  const heads = lengths.map((length, i) =>
    markup`<text class="tick" x="${LEFT + (i + 0.5) * CELL}" y="14" text-anchor="middle">${length}</text>`
  );
  const rows = depths.map((depth, j) => {
    const fields = lengths.map((length, i) => {
      const cell = cells.get(`${length}/${depth}`);
      if (!cell) return markup``;
      const [x, y] = [LEFT + i * CELL, TOP + j * LINE];
      const box = markup`x="${x}" y="${y}" width="${CELL}" height="${LINE}"`;
      return markup`<rect class="cell low" ${box}/><rect class="cell high" ${box} opacity="${place(cell.share)}"/>
<text class="${cell.share > 0.5 ? "on" : ""}" x="${x + CELL / 2}" y="${y + LINE / 2 + 4}" text-anchor="middle">${
        Math.round(100 * cell.share)
      } %<title>${cell.count} documents of ${length} tokens, told at ${depth}</title></text>`;
    });
    return markup`<text class="tick" x="${LEFT - 6}" y="${
      TOP + (j + 0.5) * LINE + 4
    }" text-anchor="end">${depth}</text>${fields}`;
  });
  const [width, height] = [LEFT + lengths.length * CELL + 4, TOP + depths.length * LINE + 4];
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">${heads}${rows}</svg></figure>`;
}
