export { type NormalizeEmaOptions, type NormalizeEmaRuleOptions, normalizeByEma, normalizeEma } from './normalize-ema.ts';
