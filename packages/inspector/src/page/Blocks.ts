/** Blocks of data in the document of the page, which who makes the page writes and the page reads. */

/** Their ids. */
export const blocks = { options: "wirewright-options", file: "wirewright-file" } as const

/** What stands in the block of options. */
export interface PageOptions {
  /** Name of the file in the other block. */
  readonly name?: string | undefined
  /** Where what is recorded is streamed from. */
  readonly live?: string | undefined
  /** Ports of servers, for captures. */
  readonly servers?: string | undefined
}
