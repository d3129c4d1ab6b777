import carried from '../../build/core.inline.js';
import { lazyModule } from './module.js';

/** The module that the default entry carries. */
export const embeddedModule = lazyModule(carried);
