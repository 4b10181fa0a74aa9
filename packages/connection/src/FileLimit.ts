/**
 * How many files this process may have open, sockets among them, and whether a socket is near that.
 *
 * Where there is none left for a connection, libuv accepts it in the place of a file of its own and closes it, and Node is not told. So whoever
 * wants to know keeps clear of the limit: POSIX gives a new socket the lowest number that is free, and one with a high number says that all below
 * are taken. What is kept clear is also what a program under siege needs itself, for its metrics, its upstream, its files.
 */
import { readFileSync } from "node:fs"
import type { Duplex } from "node:stream"

/** Of Linux, which is quicker than a report. */
const fromProc = (): number | undefined => {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? []
    return soft === undefined ? undefined : soft === "unlimited" ? Infinity : Number(soft)
  } catch {
    return undefined
  }
}

const fromReport = (): number => {
  // without networks, as it would look up the names of all peers
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  const before = report.excludeNetwork
  report.excludeNetwork = true
  const { userLimits } = report.getReport() as { readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } } }
  report.excludeNetwork = before
  const soft = userLimits?.open_files?.soft
  return typeof soft === "number" ? soft : Infinity
}

let limit: number | undefined

/** Files that this process may have open, as `ulimit -n` says; Infinity where there is no such limit. */
export const fileLimit = (): number => limit ??= fromProc() ?? fromReport()

/** How many of so many files clients may make use of, beside what the process has open already. */
export const filesForClients = (limit: number): number => limit - Math.max(8, Math.min(64, Math.floor(limit / 16)))

/** Whether a socket has one of the numbers that are left to others. Of what has no number, as on Windows, that is not known. */
export const nearFileLimit = (socket: Duplex, limit: number): boolean => {
  const { fd = -1 } = (socket as { readonly _handle?: { readonly fd?: number } | null })._handle ?? {}
  return fd >= filesForClients(limit)
}
