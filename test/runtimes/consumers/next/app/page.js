'use client';

import * as chainrule from 'chainrule';
import { fused } from 'chainrule/fused';
import { useEffect } from 'react';
import { check } from '../../../checks.mjs';
import { report } from '../../../programs/report.mjs';

export default function Page() {
  useEffect(() => {
    report(() => check(chainrule, fused));
  }, []);
  return <h1>Next.js</h1>;
}
