import { alongAxis, type Tensor } from '@opt/core';

/** How the basis of one axis turns, and what is in its coordinates with it. */
export interface Turn {
  basis(Q: Tensor): Tensor;
  /** First moments, along an axis; absent: by what the whole basis was and is. */
  vector?(m: Tensor, axis: number): Tensor;
  /** Second moments, along an axis. */
  diagonal(v: Tensor, axis: number): Tensor;
}

/** All of a basis is another one: its columns continue those before in `order`, or none of them where there is no order. */
export const turnOfAll = (Q: Tensor, order?: Tensor): Turn => ({
  basis: () => Q,
  diagonal: (v, axis) => (order === undefined ? alongAxis(v, axis, Q.square(), { transpose: true }) : v.gather(order, axis)),
});
