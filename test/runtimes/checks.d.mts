export interface Outcome {
  /** SHA-256 of all that was learnt. */
  readonly hash: string;
  readonly backend: string;
  readonly warnings: readonly string[];
  readonly fused: 'trained' | 'refused';
}

export function check(chainrule: object, fused: object): Promise<Outcome>;
