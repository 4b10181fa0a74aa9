/**
 * The exit codes of the command: the one table that the help, the documentation, the schema of errors and the errors themselves come from.
 * Pure data.
 *
 * 69, 70 and 77 are those of BSD's sysexits.h (EX_UNAVAILABLE, EX_SOFTWARE, EX_NOPERM); 130 is what shells say of SIGINT.
 */

/** A way to end. */
export interface Exit {
  readonly code: number
  /** When the command ends so. */
  readonly meaning: string
}

/** Every way to end, by name. */
export const exits = {
  done: { code: 0, meaning: "It was done, and nothing is wrong; or SIGTERM ended what runs until it is told to end." },
  usage: { code: 1, meaning: "The command line, or a file, URL or port it names, cannot be used." },
  unreachable: { code: 69, meaning: "Nobody answers at the address, or the connection was lost." },
  unexpected: { code: 70, meaning: "A fault of wirewright itself; please report it." },
  denied: { code: 77, meaning: "The server does not let the user in, or not do this." },
  findings: {
    code: 100,
    meaning: "Something is wrong with what was looked at: stale files, bytes that are no packets, no such document; or the server refuses."
  },
  interrupted: { code: 130, meaning: "SIGINT (Ctrl-C) ended it, or SIGTERM what had an end of its own; what was begun is saved." }
} as const satisfies { readonly [name: string]: Exit }

/** The name of a way to end. */
export type ExitName = keyof typeof exits

/** Ways to end that are told as an error. */
export type FailureExit = Exclude<ExitName, "done" | "interrupted">

/** The rows of the table, by code. */
export const exitRows: ReadonlyArray<Exit & { readonly name: ExitName }> = (Object.keys(exits) as ReadonlyArray<ExitName>)
  .map((name) => ({ name, ...exits[name] }))
  .sort((a, b) => a.code - b.code)
