import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = fileURLToPath(new URL('./src/', import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^chainrule$/, replacement: `${source}index.ts` },
      { find: /^chainrule\/(.+)$/, replacement: `${source}$1.ts` },
    ],
  },
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000 },
});
