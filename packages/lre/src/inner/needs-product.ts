/** A stage that reads products with the Hessian. */
export const needsProduct = {
  what: 'product',
  hint: 'use it inside lre with a curvature of products, such as fullHutchinsonHessian()',
} as const;
