import type { Kind } from './harness.js';
import { json } from './kinds/json.js';
import { safetensors } from './kinds/safetensors.js';

/** Every kind of file that is read. */
export const kinds: readonly Kind[] = [safetensors, json];
