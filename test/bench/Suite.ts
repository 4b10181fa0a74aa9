/** What a suite is: contenders that do the same work on the same input, one of them the baseline. */

/** A contender made ready: libraries loaded, input built. */
export interface Contender {
  /** Messages that one pass handles. */
  readonly messages: number
  /** One pass over the input. What it returns is only there to be used. */
  readonly pass: () => number
  /** What the contender made of the input; must equal the baseline's. */
  readonly check: () => string
}

/** Contenders by name. Each is loaded in a process of its own, so it loads what it needs itself. */
export interface Suite {
  readonly name: string
  readonly about: string
  readonly baseline: string
  /** The largest ratio to the baseline that the generated code may have. */
  readonly limit?: number
  readonly contenders: Readonly<Record<string, () => Promise<Contender>>>
}
