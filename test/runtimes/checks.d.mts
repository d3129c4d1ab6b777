export interface Outcome {
  /** SHA-256 of all that was learnt. */
  readonly hash: string;
  readonly backend: string;
  readonly warnings: readonly string[];
  readonly fused: 'trained' | 'refused';
}

/** @param formats what the entries for exchange export, where they are to be tried */
export function check(chainrule: object, fused: object, formats?: object): Promise<Outcome>;
