/** What a contender of the client benchmark is, and what its process and the bench say to each other. */

/** A client under measurement. */
export interface Contender {
  readonly connect: (port: number) => Promise<void>
  /**
   * Does `count` operations with values of `size` bytes, `inFlight` at a time, on the first `keys` keys. Checks that each got is what was
   * stored.
   */
  readonly run: (operation: Operation, inFlight: number, count: number, size: number, keys: number) => Promise<void>
  readonly close: () => Promise<void>
}

export type Operation = "get" | "set"

/** Keys in use; every one is stored before the first round. */
export const keyCount = 1000
/** A key of 12 characters, of the first `keys`. */
export const keyOf = (index: number, keys: number): string => `bench:${String(index % keys).padStart(6, "0")}`
/** Bytes of a value unless a question says otherwise. */
export const valueSize = 100

export type Question =
  | { readonly kind: "connect"; readonly port: number }
  | {
    readonly kind: "run"
    readonly operation: Operation
    readonly inFlight: number
    readonly count: number
    readonly size?: number
    readonly keys?: number
  }
  | { readonly kind: "close" }

export type Answer =
  /** In seconds; `processor` is time in user mode and in the kernel, `user` that in user mode. */
  | { readonly kind: "done"; readonly seconds: number; readonly processor: number; readonly user: number }
  | { readonly kind: "failed"; readonly message: string }
