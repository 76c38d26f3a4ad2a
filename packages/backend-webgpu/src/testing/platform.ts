import { existsSync } from 'node:fs';

/** Lets Dawn find a software adapter where there is no GPU: SwiftShader, which comes with Chromium. Before `webgpu` is loaded. */
export function emulated(): void {
  const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
  const real = ['/dev/dri', '/dev/nvidia0'].some(existsSync);
  if (!real && existsSync(driver)) process.env['VK_ICD_FILENAMES'] ??= driver;
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
}
