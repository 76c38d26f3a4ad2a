/** What shaders may use on a device, and are asked to. */
export interface Abilities {
  /** Invocations of a subgroup add up their numbers among themselves, without a barrier. */
  readonly subgroups: boolean;
  /** Four neighbouring invocations share what one of them read from workgroup memory. */
  readonly quads: boolean;
  /** How tiled products hold their operands in workgroup memory: as they are, as f16, or as f16 packed in pairs into whole numbers. */
  readonly tiles: 'f32' | 'f16' | 'packed';
}

export const plain: Abilities = { subgroups: false, quads: false, tiles: 'f32' };
