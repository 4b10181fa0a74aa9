/**
 * Connection strings: `couchbase://user:password@host:port,host2/bucket?option=value`.
 *
 * Pure: it reads text and resolves no names. Passwords leave it `Redacted`, and no error repeats any part after the user name.
 */
import { nearestOf } from "@wirewright/codec/Nearest"
import * as Data from "effect/Data"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** A host to begin with. */
export interface Seed {
  readonly host: string
  readonly port: number
}

/** What a connection string says. */
export interface ConnectionTarget {
  readonly tls: boolean
  readonly seeds: readonly [Seed, ...ReadonlyArray<Seed>]
  /**
   * Name of the DNS records that say where the nodes are, such as `_couchbases._tcp.cb.example`: of one host without a port, unless
   * `enable_dns_srv` says no. Where there are no such records, `seeds` are the nodes.
   */
  readonly srv: string | undefined
  readonly user: string | undefined
  readonly password: Redacted.Redacted<string> | undefined
  readonly bucket: string | undefined
  /** `allowed_sasl_mechanisms` or the older `sasl_mech_force`. */
  readonly mechanisms: ReadonlyArray<string> | undefined
  /** `network`: which of the nodes' addresses to use. */
  readonly network: string | undefined
  /** `kv_timeout` in milliseconds. */
  readonly timeout: number | undefined
  /** `tls_verify=none` turns checking certificates off. */
  readonly verify: boolean
  /** `trust_certificate`: a file with the authorities to trust, and no others. */
  readonly certificate: string | undefined
  /** `certpath` and `keypath`: files with the certificate that is shown to the server, and with its key. */
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | undefined
  /** `server_group`: the group of nodes that replica reads may prefer. */
  readonly serverGroup: string | undefined
}

/** Why a text is no connection string. */
export type ConnectionStringReason = "Scheme" | "Host" | "Port" | "User" | "Bucket" | "Option"

/** The text is no connection string. The message repeats no password. */
export class ConnectionStringError
  extends Data.TaggedError("ConnectionStringError")<{ readonly reason: ConnectionStringReason; readonly message: string }>
{}

const fail = (reason: ConnectionStringReason, message: string): Result.Result<never, ConnectionStringError> =>
  Result.fail(new ConnectionStringError({ reason, message }))

/** Schemes and the ports that are meant when none is given. */
interface Schemes {
  readonly [scheme: string]: { readonly tls: boolean; readonly port: number; readonly srv?: string } | undefined
}

/** The schemes of Couchbase. */
const couchbaseSchemes: Schemes = {
  couchbase: { tls: false, port: 11_210, srv: "_couchbase._tcp" },
  couchbases: { tls: true, port: 11_207, srv: "_couchbases._tcp" }
}

/** The schemes of memcached, which has no port of its own for TLS. */
const memcachedSchemes: Schemes = { memcached: { tls: false, port: 11_211 }, memcacheds: { tls: true, port: 11_211 } }

/**
 * Whether the password may go over a connection without TLS as it is: only where the connection string asks for PLAIN by name, as in
 * `?allowed_sasl_mechanisms=PLAIN`.
 */
export const allowsPlainWithoutTls = ({ mechanisms }: Pick<ConnectionTarget, "mechanisms">): boolean =>
  mechanisms?.includes("PLAIN") === true

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const seedOf = (text: string, port: number): Result.Result<Seed, ConnectionStringError> => {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5})(?:=(mcd|cccp))?)?$/.exec(text)
  if (found === null) return fail(/:\D*$|:\d{6,}|=/.test(text) ? "Port" : "Host", "expected host or host:port, several with commas between")
  const number = found[3] === undefined ? port : Number(found[3])
  return number < 1 || number > 65_535
    ? fail("Port", "a port is a number from 1 to 65535")
    : Result.succeed({ host: found[1] ?? found[2]!, port: number })
}

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/

/**
 * Whether the records of a host may say where the nodes are: it is a name, and none of this machine, for which no server is asked (RFC 6761,
 * 6.3).
 */
const hasRecords = (host: string): boolean => !ipv4.test(host) && !host.includes(":") && !/(?:^|\.)localhost\.?$/i.test(host)

const switches: { readonly [text: string]: boolean | undefined } = { true: true, yes: true, on: true, false: false, no: false, off: false }

const sharedOptions = ["allowed_sasl_mechanisms", "sasl_mech_force", "kv_timeout", "tls_verify", "trust_certificate", "certpath", "keypath"]
const couchbaseOptions = [...sharedOptions, "network", "enable_dns_srv", "server_group"]
const memcachedOptions = [...sharedOptions, "network", "protocol"]

const unknownOption = (name: string, known: ReadonlyArray<string>): string => {
  const near = nearestOf(name, known)
  return `unknown option ${name}${near === undefined ? `, expected one of ${known.join(", ")}` : `; did you mean ${near}?`}`
}

/** Parses a connection string. `password` is used when the text has none, as from WIREWRIGHT_PASSWORD. */
export const parseConnectionString = (
  text: string,
  password?: Redacted.Redacted<string>
): Result.Result<ConnectionTarget, ConnectionStringError> => parse(text, password, couchbaseSchemes, couchbaseOptions)

const parse = (
  text: string,
  password: Redacted.Redacted<string> | undefined,
  schemes: Schemes,
  options: ReadonlyArray<string>
): Result.Result<ConnectionTarget, ConnectionStringError> => {
  const known = Object.keys(schemes).map((scheme) => `${scheme}://`).join(" or ")
  const shape = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text)
  if (shape === null) return fail("Scheme", `expected ${known} and a host`)
  const scheme = schemes[shape[1]!.toLowerCase()]
  if (scheme === undefined) return fail("Scheme", `unknown scheme ${shape[1]!.toLowerCase()}://, expected ${known}`)
  const { port, tls } = scheme

  const seeds: Array<Seed> = []
  for (const part of shape[3]!.split(",")) {
    const seed = seedOf(part, port)
    if (Result.isFailure(seed)) return Result.fail(seed.failure)
    seeds.push(seed.success)
  }

  const colon = shape[2]?.indexOf(":") ?? -1
  const user = shape[2] === undefined ? undefined : decoded(colon < 0 ? shape[2] : shape[2].slice(0, colon))
  const secret = colon < 0 ? undefined : decoded(shape[2]!.slice(colon + 1))
  if (shape[2] !== undefined && (user === undefined || user === "" || colon >= 0 && secret === undefined)) {
    return fail("User", "expected user:password@, with % escapes for what has a meaning in URLs")
  }

  const bucket = shape[4] === undefined || shape[4] === "" ? undefined : decoded(shape[4])
  if (shape[4] !== undefined && shape[4] !== "" && (bucket === undefined || !/^[A-Za-z0-9_.%-]{1,100}$/.test(bucket))) {
    return fail("Bucket", "a bucket has 1 to 100 letters, digits, and any of _ - . %")
  }

  const given = new URLSearchParams(shape[5] ?? "")
  for (const name of given.keys()) {
    if (!options.includes(name)) return fail("Option", unknownOption(name, options))
  }
  const timeout = given.get("kv_timeout")
  if (timeout !== null && !/^[1-9]\d{0,8}$/.test(timeout)) return fail("Option", "kv_timeout is a number of milliseconds")
  const verify = given.get("tls_verify")
  if (verify !== null && verify !== "none" && verify !== "peer") return fail("Option", "tls_verify is none or peer")
  const looksUp = given.get("enable_dns_srv")
  if (looksUp !== null && switches[looksUp] === undefined) return fail("Option", "enable_dns_srv is true or false")
  const serverGroup = given.get("server_group")
  if (serverGroup === "") return fail("Option", "server_group is the name of a group")
  const [certificate, key] = [given.get("certpath"), given.get("keypath")]
  if (certificate === "" || key === "" || (certificate === null) !== (key === null)) {
    return fail("Option", "certpath and keypath go together: files with a certificate and with its key")
  }
  if (certificate !== null && !tls) return fail("Option", "certpath needs TLS, which the scheme with an s at its end has")
  const [{ host }] = seeds as [Seed]
  const named = scheme.srv !== undefined && seeds.length === 1 && !/:\d+(?:=\w+)?$|^\[/.test(shape[3]!) && hasRecords(host)
  const mechanisms = given.get("allowed_sasl_mechanisms") ?? given.get("sasl_mech_force")

  return Result.succeed({
    tls,
    seeds: seeds as unknown as ConnectionTarget["seeds"],
    srv: named && (looksUp === null || switches[looksUp] === true) ? `${scheme.srv}.${host}` : undefined,
    user,
    password: secret === undefined ? password : Redacted.make(secret),
    bucket,
    mechanisms: mechanisms === null ? undefined : mechanisms.split(/[,\s]+/).filter((one) => one !== ""),
    network: given.get("network") ?? undefined,
    timeout: timeout === null ? undefined : Number(timeout),
    verify: verify !== "none",
    certificate: given.get("trust_certificate") ?? undefined,
    clientCertificate: certificate === null || key === null ? undefined : { certificate, key },
    serverGroup: serverGroup ?? undefined
  })
}

/** Protocols that memcached speaks, and the choice between them. */
export const memcachedProtocols = ["auto", "meta", "text", "binary"] as const

/** How to speak with a memcached. */
export type MemcachedProtocol = typeof memcachedProtocols[number]

/** What a connection string of memcached says. */
export interface MemcachedTarget extends ConnectionTarget {
  /** The Unix socket, instead of host and port. */
  readonly path: string | undefined
  readonly protocol: MemcachedProtocol | undefined
}

const unixShape = /^memcached\+unix:\/\/([^/?#]*@)?(\/[^?#]+)(\?[^#]*)?$/i

const unixForms = "expected memcached+unix:///path"

/**
 * Parses `memcached[s]://[user:password@]host[:port]`: one host, and no bucket; or `memcached+unix://[user:password@]/path`. Both with
 * `?protocol=` when it is given, from `memcachedProtocols`.
 */
export const parseMemcachedString = (
  text: string,
  password?: Redacted.Redacted<string>
): Result.Result<MemcachedTarget, ConnectionStringError> => {
  const [, user = "", encoded, options = ""] = unixShape.exec(text) ?? []
  if (encoded === undefined && /^memcached\+unix:/i.test(text)) return fail("Host", unixForms)
  const path = encoded === undefined ? undefined : decoded(encoded)
  if (encoded !== undefined && (path === undefined || path.includes("\0"))) return fail("Host", unixForms)
  const found = parse(
    path === undefined ? text : `memcached://${user}localhost${options}`,
    password,
    memcachedSchemes,
    memcachedOptions
  )
  return Result.flatMap(found, (target) => {
    if (target.bucket !== undefined) return fail("Bucket", "memcached has no buckets: memcached://host:port")
    if (target.seeds.length > 1) return fail("Host", "memcached:// takes one host")
    const protocol = new URLSearchParams(text.slice(text.indexOf("?"))).get("protocol")
    const known = memcachedProtocols.find((one) => one === protocol)
    return protocol !== null && known === undefined
      ? fail("Option", `protocol is one of ${memcachedProtocols.join(", ")}`)
      : Result.succeed({ ...target, path, protocol: known })
  })
}
