export interface Outcome {
  /** SHA-256 of all that was learnt. */
  readonly hash: string;
  readonly backend: string;
  readonly warnings: readonly string[];
  readonly fused: 'trained' | 'refused';
  readonly worker?: 'trained' | 'refused';
  readonly threads?: 'trained' | 'alone' | 'refused';
}

/** @param entries what other entries export, where they are to be tried */
export function check(chainrule: object, fused: object, entries?: object): Promise<Outcome>;
