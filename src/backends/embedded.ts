import carried from '../../build/core.inline.js';
import { type CarriedModule, lazyModule } from './module.js';

/** The module that the default entry carries. */
export const embeddedModule = lazyModule(carried);

/** Whether it is compiled already, as where runtimes compile nothing on request. */
export const comesCompiled = typeof (carried as CarriedModule) !== 'string';
