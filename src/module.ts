export { toModule } from './formats/module/to-module.js';
