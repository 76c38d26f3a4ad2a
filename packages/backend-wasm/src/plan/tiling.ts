import { type Body, rewalked } from './body.ts';
import type { View } from './view.ts';

/** Elements along each side of a tile: one cache line of f32. */
const side = 16;

/** A stride, in elements, from which neighbours in the innermost loop share nothing in the cache. */
const far = 64;

/**
 * Cuts two loops into tiles where the innermost one strides over rows of something another loop walks along, as in a transposition:
 * a cache line that was fetched is then used up before it is lost. Reductions keep their order of loops.
 */
export function tiled(body: Body): Body {
  const { loops, roots } = body;
  const last = loops.length - 1;
  const inner = loops[last] ?? 1;
  if (last < 1 || inner % side !== 0 || inner < far || roots.some(({ root }) => root.kind === 'reduce')) return body;
  const views = [...roots.map(({ view }) => view), ...body.instances.flatMap(({ read }) => read?.view ?? [])];
  const across = views.find(({ steps }) => (steps[last] ?? 0) >= far && steps.includes(1));
  const along = across?.steps.indexOf(1) ?? -1;
  const outer = loops[along];
  if (outer === undefined || outer % side !== 0 || outer < far) return body;
  const cut = (_: number, loop: number): boolean => loop === along || loop === last;
  const walk = (view: View): View => ({
    offset: view.offset,
    steps: [...view.steps.map((step, loop) => (cut(step, loop) ? step * side : step)), view.steps[along] ?? 0, view.steps[last] ?? 0],
  });
  return { ...rewalked(body, walk), loops: [...loops.map((n, loop) => (cut(n, loop) ? n / side : n)), side, side] };
}
