import { norm, type Site, saturate, type Tensor } from '@opt/core';

/** ‖x‖ of all elements, or over some axes; the largest number where there is none for it. */
export const length = (x: Tensor, { largest }: Pick<Site, 'largest'>, axes?: readonly number[]): Tensor => saturate(norm(x, axes), largest);
