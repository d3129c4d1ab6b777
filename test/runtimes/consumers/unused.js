// biome-ignore-all lint/correctness/noUnusedImports: what bundlers make of such is the question.
import { callbacks, datasets, layers, metrics, schedules, sequential } from 'chainrule';
import { debug } from 'chainrule/debug';
import { fused } from 'chainrule/fused';
