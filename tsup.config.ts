import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', fused: 'src/fused.ts' },
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  dts: true,
  clean: true,
  splitting: false,
  // The loader is bundled: at run time the package depends on nothing.
  noExternal: ['@assemblyscript/loader'],
  // Names stay, so that stack traces can be read.
  esbuildOptions(options) {
    options.minifyWhitespace = true;
    options.minifySyntax = true;
    options.legalComments = 'none';
  },
});
