/** Flags of commands that listen: the certificate to show, whose certificates to ask for, and how many clients there may be. */
import * as Effect from "effect/Effect"
import * as Flag from "effect/cli/Flag"
import { readFile } from "node:fs/promises"
import type { TlsOptions } from "node:tls"
import { type Failure, failureOfDefect, usage } from "./Failure.ts"
import { optional } from "./Flags.ts"

/** Flags for TLS. */
export const tlsParameters = {
  tlsCert: optional(Flag.String("tls-cert"), "A PEM file with the certificate to show clients, which then speak TLS", "no TLS"),
  tlsKey: optional(Flag.String("tls-key"), "A PEM file with its private key", "none"),
  tlsCa: optional(Flag.String("tls-ca"), "A PEM file with the authorities whose certificates clients must show", "clients show none")
}

/** What the flags for TLS say. */
export interface TlsFlags {
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsCa: string | undefined
}

/** Most clients at a time; `without` says how many there may be without it. */
export const maxConnectionsParameter = (without: string) =>
  optional(
    Flag.Int("max-connections"),
    "Most clients at a time, who need a file each (ulimit -n); more are refused, and a log line and the metrics say so",
    without
  )

/** As many as any system lets a process have files. */
const mostConnections = 1_000_000

/** How many clients there may be, if that is said; warns where the process may not have the files for them. */
export const maxConnectionsOf = (given: number | undefined): Effect.Effect<{ readonly maxConnections?: number }, Failure> =>
  Effect.gen(function*() {
    if (given === undefined) return {}
    if (given < 1 || given > mostConnections) return yield* usage(`--max-connections ${given}: from 1 to ${mostConnections}`)
    const { fileLimit, filesForClients } = yield* Effect.promise(() => import("@wirewright/connection"))
    const files = fileLimit()
    if (given > filesForClients(files)) {
      yield* Effect.logWarning(`--max-connections ${given}: this process may have only ${files} files open (ulimit -n)`)
    }
    return { maxConnections: given }
  })

/** Reads `HOST:PORT`, `[::1]:PORT` or `:PORT`, which is one of 127.0.0.1; nothing when it is none of them. */
export const placeIn = (text: string): { readonly host: string; readonly port: number } | undefined => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  return { host: bracketed ?? (plain === "" || plain === undefined ? "127.0.0.1" : plain), port }
}

const textOf = (file: string): Effect.Effect<string, Failure> =>
  Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: failureOfDefect })

/** How to speak TLS with clients, if at all. */
export const tlsOf = ({ tlsCa, tlsCert, tlsKey }: TlsFlags): Effect.Effect<{ readonly tls?: TlsOptions }, Failure> =>
  Effect.gen(function*() {
    if ((tlsCert === undefined) !== (tlsKey === undefined)) return yield* usage("--tls-cert and --tls-key go together")
    if (tlsCert === undefined || tlsKey === undefined) return tlsCa === undefined ? {} : yield* usage("--tls-ca goes with --tls-cert")
    const [cert, key] = [yield* textOf(tlsCert), yield* textOf(tlsKey)]
    const clients = tlsCa === undefined ? {} : { ca: yield* textOf(tlsCa), requestCert: true, rejectUnauthorized: true }
    return { tls: { cert, key, ...clients } }
  })
