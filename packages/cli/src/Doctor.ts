/**
 * What `wirewright doctor` looks at, from the name to the cluster map. Each look ends in a line; the first that fails ends those after it.
 *
 * It changes nothing on the server, and no line has a password in it.
 */
import { hostPort } from "@wirewright/connection"
import type { BootstrapError, BootstrapReason, BootstrapStep, ConnectionTarget, KvClientOptions, Seed } from "@wirewright/couchbase"
import type { Bootstrapped } from "@wirewright/couchbase/node"
import * as Effect from "effect/Effect"
import { lookup } from "node:dns/promises"
import * as Net from "node:net"
import * as Tls from "node:tls"
import type { FailureExit } from "./Exits.ts"
import { failureOf } from "./Failure.ts"

/** A line of the report. */
export interface Check {
  readonly name: string
  readonly status: "ok" | "failed" | "skipped"
  readonly detail: string
  /** What may help. */
  readonly hint?: string
  /** What a failure says of the whole. */
  readonly exit?: FailureExit
}

/** Milliseconds for each look. */
const patience = 5_000

const ok = (name: string, detail: string): Check => ({ name, status: "ok", detail })

const failed = (name: string, detail: string, hint: string, exit: FailureExit = "findings"): Check => ({
  name,
  status: "failed",
  detail,
  hint,
  exit
})

const skipped = (name: string): Check => ({ name, status: "skipped", detail: "not looked at" })

const at = ({ host, port }: Seed): string => hostPort(host, port)

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error))

/** What a host's name leads to. */
export const checkName = async ({ host }: Seed): Promise<Check> => {
  if (Net.isIP(host) !== 0) return ok("DNS", `${host} is an address`)
  try {
    const found = await lookup(host, { all: true })
    return ok("DNS", `${host} → ${found.map(({ address }) => address).join(", ")}`)
  } catch (error) {
    const hint = "Is the host's name spelled right, and does this machine's resolver know it?"
    return failed("DNS", `${host}: ${codeOf(error)}`, hint, "unreachable")
  }
}

const refusals: { readonly [code: string]: string } = {
  ECONNREFUSED: "Nobody listens on this port. The key-value service of Couchbase is on 11210 (11207 with TLS), memcached on 11211.",
  ETIMEDOUT: "No answer at all: a firewall, or the wrong network.",
  EHOSTUNREACH: "There is no way to this host from here.",
  ENETUNREACH: "There is no way to this host's network from here."
}

const dial = (seed: Seed): Promise<Net.Socket> =>
  new Promise((resolve, reject) => {
    const socket = Net.connect({ host: seed.host, port: seed.port })
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })), patience)
    socket.once("connect", () => {
      clearTimeout(timer)
      resolve(socket)
    })
    socket.once("error", (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })

/** Whether a server listens. */
export const checkTcp = async (seed: Seed): Promise<Check> => {
  const before = performance.now()
  try {
    const socket = await dial(seed)
    socket.destroy()
    return ok("TCP", `${at(seed)} in ${Math.max(1, Math.round(performance.now() - before))} ms`)
  } catch (error) {
    const code = codeOf(error)
    return failed("TCP", `${at(seed)}: ${code}`, refusals[code] ?? "Nobody can be reached there.", "unreachable")
  }
}

const trouble: { readonly [code: string]: string } = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "The certificate is self-signed: name it with ?trust_certificate=FILE.",
  SELF_SIGNED_CERT_IN_CHAIN: "The authority is unknown here: name its certificate with ?trust_certificate=FILE.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "The authority is unknown here: name its certificate with ?trust_certificate=FILE.",
  CERT_HAS_EXPIRED: "The certificate has expired.",
  CERT_NOT_YET_VALID: "The certificate is not valid yet. Is the clock right?",
  ERR_TLS_CERT_ALTNAME_INVALID: "The certificate is another host's.",
  ERR_SSL_WRONG_VERSION_NUMBER: "This port speaks no TLS; use couchbase:// or the TLS port, 11207."
}

/** Whether TLS is spoken, and with a certificate that is trusted. */
export const checkTls = (seed: Seed, options: Tls.ConnectionOptions): Promise<Check> =>
  new Promise((resolve) => {
    const servername = Net.isIP(seed.host) === 0 ? seed.host : ""
    const socket = Tls.connect({ ...options, host: seed.host, port: seed.port, servername })
    const done = (check: Check): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(check)
    }
    const no = (code: string): void =>
      done(failed("TLS", `${at(seed)}: ${code}`, trouble[code] ?? "The port may not speak TLS; use couchbase:// or the TLS port, 11207."))
    const timer = setTimeout(() => no("no handshake"), patience)
    socket.once("error", (error) => no(codeOf(error)))
    socket.once("close", () => no("closed during the handshake"))
    socket.once("secureConnect", () => {
      const { issuer, subject, valid_to: until } = socket.getPeerCertificate()
      const names = `${subject?.CN ?? "no name"}, issued by ${issuer?.CN ?? "no name"}, until ${until ?? "?"}`
      done(ok("TLS", `${socket.getProtocol() ?? "?"}, ${names}${socket.authorized ? "" : `, not verified (${socket.authorizationError})`}`))
    })
  })

const hints: { readonly [reason in BootstrapReason]: string } = {
  HelloRefused: "The server refuses a combination of features.",
  AuthenticationFailed: "Check user and password; the password may also be in WIREWRIGHT_PASSWORD.",
  NoMechanism: "Name a mechanism the server offers with ?allowed_sasl_mechanisms=…, or use couchbases://.",
  PlainNeedsTls: "PLAIN sends the password in the clear: use couchbases://, or ask for it with ?allowed_sasl_mechanisms=PLAIN.",
  AuthenticationBroken: "The server did not prove that it knows the password. It may be somebody else.",
  BucketNotFound: "Is the bucket's name spelled right? A new bucket takes a moment to appear on all nodes.",
  BucketAccessDenied: "The bucket does not exist, or the user has no role in it.",
  ClusterMapInvalid: "The server's cluster map is broken; no client can work with it.",
  UnexpectedStatus: "The server does not behave like a Couchbase node. Is it memcached? Then use memcached://."
}

const steps: ReadonlyArray<readonly [step: BootstrapStep, name: string]> = [
  ["hello", "HELLO"],
  ["mechanisms", "SASL"],
  ["authentication", "SASL"],
  ["error map", "error map"],
  ["bucket", "bucket"],
  ["cluster map", "cluster map"]
]

const names = [...new Set(steps.map(([, name]) => name))]

/** The lines of a bootstrap that failed: what came before was fine, what comes after was not looked at. */
export const checksOfFailure = (error: BootstrapError): ReadonlyArray<Check> => {
  const broken = steps.find(([step]) => step === error.step)?.[1] ?? "HELLO"
  const position = names.indexOf(broken)
  return names.map((name, index) =>
    index < position
      ? ok(name, "done")
      : index > position
      ? skipped(name)
      : failed(name, error.message, hints[error.reason], failureOf(error).exit)
  )
}

/** The lines of a bootstrap that went well. */
export const checksOfSession = (
  session: Bootstrapped,
  bucket: string | undefined,
  featureNames: { readonly [name: string]: number },
  asked: ReadonlyArray<number>
): ReadonlyArray<Check> => {
  const { clusterMap, errorMap, features, mechanism, offered } = session
  const nameOf = (feature: number): string =>
    Object.entries(featureNames).find(([, code]) => code === feature)?.[0] ?? `0x${feature.toString(16)}`
  const missing = asked.filter((feature) => !features.has(feature)).map(nameOf)
  const version = clusterMap === undefined ? "" : `revision ${clusterMap.version.epoch}:${clusterMap.version.revision}`
  return [
    ok(
      "HELLO",
      `${[...features].map(nameOf).join(" ") || "no features"}${missing.length === 0 ? "" : `; not granted: ${missing.join(" ")}`}`
    ),
    ok(
      "SASL",
      mechanism === undefined ? "not signed in, no user was given" : `${mechanism}, of ${offered.join(" ") || "a list that is not told"}`
    ),
    ok("error map", errorMap.entries.size === 0 ? "none" : `version ${errorMap.version}, ${errorMap.entries.size} statuses`),
    bucket === undefined ? skipped("bucket") : ok("bucket", bucket),
    clusterMap === undefined
      ? ok("cluster map", "none, so this node is taken for the only one")
      : clusterMap.vbuckets.length === 0 && bucket !== undefined
      ? failed("cluster map", `${version}, no vbuckets`, "The bucket is not ready yet.")
      : ok("cluster map", `${version}, ${clusterMap.nodes.length} nodes, ${clusterMap.vbuckets.length} vbuckets`)
  ]
}

/** Whether the nodes of the map can be reached. */
export const checkNodes = async (nodes: ReadonlyArray<Seed>): Promise<Check> => {
  const looks = await Promise.all(nodes.map(checkTcp))
  const lost = looks.filter(({ status }) => status === "failed")
  return lost.length === 0
    ? ok("nodes", `${nodes.length} of ${nodes.length} answer`)
    : failed(
      "nodes",
      `${nodes.length - lost.length} of ${nodes.length} answer; not ${lost.map(({ detail }) => detail).join(", ")}`,
      "Clients connect to every node of the map. If its addresses are internal ones, try ?network=external."
    )
}

const strangers = {
  HTTP: "A web server, such as the cluster manager on 8091. The key-value service is on 11210 (11207 with TLS), memcached on 11211.",
  text: "Something that speaks a text protocol, such as a proxy for memcached; the binary protocol is needed.",
  none: "It closes the connection or does not answer. Is it a Couchbase node? For memcached use memcached://, for TLS couchbases://."
} as const

/** Who answers a line of text, which is nothing in the binary protocols. Nothing is changed by it. */
const strangerAt = async (seed: Seed): Promise<keyof typeof strangers> => {
  const socket = await dial(seed).catch(() => undefined)
  if (socket === undefined) return "none"
  return new Promise((resolve) => {
    let heard = ""
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(/^HTTP\//.test(heard) ? "HTTP" : /^[\x20-\x7e]+\r?\n/.test(heard) ? "text" : "none")
    }
    const timer = setTimeout(done, patience)
    socket.on("error", () => {}).on("close", done)
    socket.on("data", (chunk: Uint8Array) => {
      heard += Buffer.from(chunk).toString("latin1")
      if (heard.includes("\n") || heard.length > 1024) done()
    })
    socket.write("HEAD / HTTP/1.0\r\n\r\n")
  })
}

/** A failed check, saying who it is that answers in another language. */
export const explained = async (check: Check, seed: Seed, tls: boolean): Promise<Check> => {
  const who = tls ? "none" : await strangerAt(seed)
  return who === "none"
    ? check
    : { ...check, detail: `${at(seed)} speaks ${who === "HTTP" ? "HTTP" : "a text protocol"}`, hint: strangers[who] }
}

/** Looks at a node of Couchbase over a connection that works. */
export const checkCouchbase = async (seed: Seed, options: KvClientOptions): Promise<ReadonlyArray<Check>> => {
  const { openConnection } = await import("@wirewright/couchbase/node")
  const { defaultFeatures } = await import("@wirewright/couchbase")
  const { HelloFeature } = await import("@wirewright/couchbase/gen")
  const { seeds: _, ...rest } = options
  const { bucket, tls } = options
  const opened = await Effect.runPromise(Effect.result(Effect.scoped(Effect.map(
    openConnection({
      ...rest,
      ...seed,
      agent: "wirewright-doctor",
      features: defaultFeatures,
      connectTimeout: patience,
      bootstrapTimeout: patience
    }),
    ({ session }) => session
  ))))
  if (opened._tag === "Failure") {
    const error = opened.failure
    if (error._tag === "BootstrapError") return checksOfFailure(error)
    const check = failed("HELLO", error.message, strangers.none, failureOf(error).exit)
    return [await explained(check, seed, tls !== undefined), ...names.slice(1).map(skipped)]
  }
  const checks = checksOfSession(opened.success, bucket, HelloFeature, defaultFeatures)
  const nodes = (opened.success.clusterMap?.nodes ?? []).flatMap(({ host, port, tlsPort }) => {
    const found = tls === undefined ? port : tlsPort
    return found === undefined ? [] : [{ host, port: found }]
  })
  return nodes.length === 0 ? checks : [...checks, await checkNodes(nodes)]
}

/** Looks at the way to a seed: its name, its port, and TLS if that is wanted. */
export const checkWay = async (
  seed: Seed,
  target: ConnectionTarget,
  tls: Tls.ConnectionOptions | undefined
): Promise<ReadonlyArray<Check>> => {
  const checks = [await checkName(seed)]
  if (checks[0]!.status === "ok") checks.push(await checkTcp(seed))
  else checks.push(skipped("TCP"))
  if (target.tls) checks.push(checks[1]!.status === "ok" ? await checkTls(seed, tls ?? {}) : skipped("TLS"))
  return checks
}
