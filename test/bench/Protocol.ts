/** What the bench and its child processes say to each other. */

export type Question =
  | { readonly kind: "check" }
  /** Warm up, and find out how many passes last about as long as a round. */
  | { readonly kind: "warm"; readonly milliseconds: number }
  | { readonly kind: "round" }
  /** Bytes that a message leaves on the heap. */
  | { readonly kind: "heap" }
  | { readonly kind: "profile"; readonly milliseconds: number }

export interface Share {
  readonly where: string
  /** Of the time spent in the process. */
  readonly part: number
}

export type Answer =
  | { readonly kind: "check"; readonly digest: string }
  | { readonly kind: "warm"; readonly passes: number }
  /** Processor time of the whole process, so with what collecting the garbage took, per message. */
  | { readonly kind: "round"; readonly nanoseconds: number }
  | { readonly kind: "heap"; readonly bytes: number }
  | { readonly kind: "profile"; readonly shares: ReadonlyArray<Share> }
  | { readonly kind: "failed"; readonly message: string }
