/** What memcached says with a status, in the value of an answer. Source: memcached 1.6.18 `proto_bin.c`, for those that it has. */
import { Status } from "./gen/index.ts"

/** What a client is told that there is no place for, after `ERROR`. Source: memcached 1.6.18, observed. */
export const noPlace = "Too many open connections"

const words: { readonly [status: number]: string | undefined } = {
  [Status.KeyEnoent]: "Not found",
  [Status.KeyEexists]: "Data exists for key.",
  [Status.E2big]: "Too large.",
  [Status.Einval]: "Invalid arguments",
  [Status.NotStored]: "Not stored.",
  [Status.DeltaBadval]: "Non-numeric server-side value for incr or decr",
  [Status.AuthError]: "Auth failure.",
  [Status.UnknownCommand]: "Unknown command",
  [Status.Enomem]: "Out of memory",
  [Status.NotSupported]: "Not supported",
  [Status.Einternal]: "Internal error",
  [Status.Ebusy]: "Busy",
  [Status.Etmpfail]: "Temporary failure"
}

const encoder = new TextEncoder()
const texts = new Map(Object.entries(words).map(([status, text]) => [Number(status), encoder.encode(text)]))
const nothing = new Uint8Array(0)

/** The text as bytes; empty for success, and for a status that memcached does not know. */
export const statusText = (status: number): Uint8Array => texts.get(status) ?? nothing
