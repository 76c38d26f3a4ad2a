import { existsSync } from 'node:fs';

/**
 * Lets Dawn, the WebGPU of Node, find an adapter where there is no GPU: SwiftShader, which Debian's `chromium` brings along. To be called
 * before `webgpu` is loaded; variables that are set already stay as they are.
 */
export function softwareAdapter(): void {
  const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
  const real = ['/dev/dri', '/dev/nvidia0'].some((path) => existsSync(path));
  if (!real && existsSync(driver)) process.env['VK_ICD_FILENAMES'] ??= driver;
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
}
