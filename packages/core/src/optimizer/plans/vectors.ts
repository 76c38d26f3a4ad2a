import { type Shape, size } from '../../program/shape.ts';
import { mapValues, merged, own } from '../../records.ts';
import { concat } from '../../trace/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { joined } from '../../transform/concatenated.ts';
import type { Coordinates, Surroundings } from '../../transform/transform.ts';

/** Vectors of whole parameters, and how a stage sees them: through the bases and joins around it. */
export class Vectors {
  private readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** Whether an owner is all parameters joined. */
  joins(owner: string): boolean {
    return owner === joined && this.around.joins !== undefined;
  }

  /** The parameters an owner stands for, in the coordinates in which they are joined. */
  parts(owner: string, shape: Shape): [name: string, shape: Shape][] {
    return owner === joined && this.around.joins !== undefined ? Object.entries(this.around.joins) : [[owner, shape]];
  }

  /** A stage's vector as vectors of the parameters themselves. */
  apart(owner: string, x: Tensor): [name: string, part: Tensor][] {
    const whole = this.whole(owner)?.unproject(x) ?? x;
    let start = 0;
    return this.parts(owner, whole.shape).map(([name, shape]) => {
      const part = whole
        .reshape([-1])
        .slice([start], [start + size(shape)])
        .reshape(shape);
      start += size(shape);
      return [name, this.frame(name)?.unproject(part) ?? part];
    });
  }

  /** What is known of each parameter as a stage's vector. `shape`: of what the owner is, before a basis around all of it. */
  together(owner: string, shape: Shape, read: (name: string, shape: Shape) => Tensor): Tensor {
    const whole = this.whole(owner);
    const parts = this.parts(owner, whole?.shape ?? shape).map(([name, part]) => {
      const frame = this.frame(name);
      const input = read(name, frame?.shape ?? part);
      return (frame?.project(input) ?? input).reshape([-1]);
    });
    const joint = concat(parts).reshape(whole?.shape ?? shape);
    return whole?.project(joint) ?? joint;
  }

  /** What a parameter's own vector is here, joined or not. */
  of(owner: string, shape: Shape, read: (name: string, shape: Shape) => Tensor): Tensor {
    if (owner === joined && this.around.joins !== undefined) {
      const length = Object.values(this.around.joins).reduce((sum, part) => sum + size(part), 0);
      return this.together(owner, [length], read);
    }
    const input = read(owner, shape);
    return this.frame(owner)?.project(input) ?? input;
  }

  /** The coordinates of all parameters joined, where a basis is inside of the join. */
  private whole(owner: string): Coordinates | undefined {
    return this.joins(owner) ? this.frame(joined) : undefined;
  }

  private frame(name: string): Coordinates | undefined {
    return this.around.frames && own(this.around.frames, name);
  }
}

/** Coordinates of coordinates. */
export function composed(
  outer: Readonly<Record<string, Coordinates>>,
  inner: Readonly<Record<string, Coordinates>>,
): Record<string, Coordinates> {
  const both = mapValues(inner, (frame, owner) => {
    const around = own(outer, owner);
    if (around === undefined) return frame;
    return {
      shape: around.shape,
      project: (x: Tensor) => frame.project(around.project(x)),
      unproject: (u: Tensor) => around.unproject(frame.unproject(u)),
    };
  });
  return merged(outer, both);
}
