import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import { threads } from 'chainrule/threads';
import * as workers from 'chainrule/worker';
import { check } from '../checks.mjs';
import { report } from './report.mjs';

/** The same in a Web Worker: the page only passes on what it hears. */
const inWorker = (file) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(file, { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`the worker: ${message}`));
  });

report(() =>
  document.title === 'worker'
    ? inWorker('worker.mjs')
    : check(chainrule, fused, { ...workers, threads }),
);
