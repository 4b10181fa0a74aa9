/**
 * How a DCP connection begins once bucket and features are settled: DCP_OPEN, then one control after the other, each when the one before it
 * was answered. Pure: requests out, statuses in.
 *
 * A control is required (its refusal ends the connection) or optional (its refusal is reported); refusals that are tolerable say that the
 * server does not know or does not want it. Source: kv_engine `engines/ep/src/dcp/consumer.cc` and `daemon/mcbp_validators.cc`.
 */
import { textLength } from "@wirewright/codec"
import { HelloFeature, Status } from "./gen/index.ts"
import { DcpOpenFlags } from "./gen/Types.ts"

/** A key of DCP_CONTROL with the values to try, best first. */
export interface Control {
  readonly key: string
  readonly values: ReadonlyArray<string>
  readonly required: boolean
}

/** What a consumer wants of its connection. */
export interface NegotiationOptions {
  /** Name of the connection; a connection that opens with the name of another takes its place. */
  readonly name: string
  /** Bytes that may be outstanding; 0 turns flow control off. */
  readonly window: number
  /** Seconds between two DCP_NOOPs of the server. */
  readonly noopInterval: number
  /** Extended attributes come with the values. */
  readonly xattrs: boolean
  /** `none` leaves values out, `noneButDatatype` leaves them out and keeps the datatype as if they were there. */
  readonly values: "all" | "none" | "noneButDatatype"
  /** Which values come in Snappy's format: those that the node has so, or all. */
  readonly compression: "none" | "asStored" | "all"
  /** Expired documents come as expirations and deletions have their time; otherwise both are deletions without one. */
  readonly expirations: "distinct" | "asDeletions"
  /** Several streams of one vbucket. */
  readonly streamIds: boolean
  /** Backfills from disk may come out of order, which is faster. */
  readonly outOfOrder: boolean
  /** All versions of a document that the server still has. */
  readonly history: boolean
  readonly priority: "low" | "medium" | "high" | undefined
  /** What HELLO granted the connection. */
  readonly features: ReadonlySet<number>
}

/** Longest name in bytes: longer ones are accepted, and break rebalances. */
export const longestName = 200

const shownName = /^[^{}\p{Cc}]+$/u

/** What is wrong with a connection name; undefined when nothing is. */
export const nameProblem = (name: string): string | undefined => {
  const size = textLength(name)
  if (size === 0) return "the connection name is empty"
  if (size > longestName) return `the connection name has ${size} bytes; ${longestName} are allowed`
  if (!shownName.test(name)) return "the connection name has braces or control characters, which the server's statistics do not show"
  if (name.includes("replication")) return "the connection name contains \"replication\", which turns off the dropping of cursors"
  return undefined
}

/** A name that no other connection has: the group's, shortened to fit, and something unpredictable. */
export const connectionName = (group: string, unique: string): string => {
  const clean = group.replace(/[{}\p{Cc}]/gu, "_").replaceAll("replication", "replicas")
  const limit = longestName - unique.length - 1
  let kept = ""
  let size = 0
  for (const character of clean) {
    size += textLength(character)
    if (size > limit) break
    kept += character
  }
  return `${kept}:${unique}`
}

/** Flags of DCP_OPEN. */
export const openFlags = ({ expirations, values, xattrs }: NegotiationOptions): number =>
  DcpOpenFlags.producer
  | (xattrs ? DcpOpenFlags.includeXattrs : 0)
  | (values === "none" ? DcpOpenFlags.noValue : 0)
  | (values === "noneButDatatype" ? DcpOpenFlags.noValueWithUnderlyingDatatype : 0)
  | (expirations === "distinct" ? DcpOpenFlags.includeDeleteTimes : 0)

const required = (key: string, ...values: ReadonlyArray<string>): Control => ({ key, values, required: true })
const optional = (key: string, value: string): Control => ({ key, values: [value], required: false })

/** The controls in the order in which they are sent. */
export const controls = (options: NegotiationOptions): ReadonlyArray<Control> => {
  const { features, noopInterval } = options
  const collections = features.has(HelloFeature.Collections)
  // newer servers take fractions of a second, older ones whole seconds
  const intervals = Number.isInteger(noopInterval) ? [String(noopInterval)] : [String(noopInterval), String(Math.ceil(noopInterval))]
  return [
    required("enable_noop", "true"),
    required("set_noop_interval", ...intervals),
    ...options.window > 0 ? [required("connection_buffer_size", String(options.window))] : [],
    ...options.priority === undefined ? [] : [optional("set_priority", options.priority)],
    optional("supports_cursor_dropping_vulcan", "true"),
    optional("supports_hifi_MFU", "true"),
    optional("send_stream_end_on_client_close_stream", "true"),
    ...options.expirations === "distinct" ? [optional("enable_expiry_opcode", "true")] : [],
    ...options.compression === "all" && features.has(HelloFeature.Snappy) ? [optional("force_value_compression", "true")] : [],
    ...options.streamIds ? [required("enable_stream_id", "true")] : [],
    ...options.outOfOrder ? [optional("enable_out_of_order_snapshots", "true_with_seqno_advanced")] : [],
    ...collections ? [optional("flatbuffers_system_events", "true")] : [],
    ...options.history ? [optional("change_streams", "true")] : [],
    ...collections ? [optional("max_marker_version", "2.2")] : [],
    optional("v7_dcp_status_codes", "true")
  ]
}

/** What the server made of the controls. */
export interface Negotiated {
  /** Value by key. */
  readonly accepted: ReadonlyMap<string, string>
  /** Status by key. */
  readonly refused: ReadonlyMap<string, number>
}

/** What to do next. */
export type NegotiationOutput =
  | { readonly _tag: "Open"; readonly name: string; readonly flags: number }
  | { readonly _tag: "Control"; readonly key: string; readonly value: string }
  | { readonly _tag: "Done"; readonly negotiated: Negotiated }
  | { readonly _tag: "Refused"; readonly request: string; readonly status: number }
  /** Nothing is asked, because HELLO did not grant what an option needs. */
  | { readonly _tag: "Missing"; readonly feature: string; readonly option: string }

/** Options that need a feature of HELLO. */
const needs = [["xattrs", "Xattr"], ["streamIds", "AltRequestSupport"]] as const

/** Refusals that say no more than that the server goes without. */
const tolerable: ReadonlySet<number> = new Set([Status.Einval, Status.NotSupported, Status.UnknownCommand])

/** The beginning of one connection. */
export class Negotiation {
  private readonly options: NegotiationOptions
  private readonly controls: ReadonlyArray<Control>
  private readonly accepted = new Map<string, string>()
  private readonly refused = new Map<string, number>()
  /** Index of the control that waits for its answer; -1 while DCP_OPEN does. */
  private index = -1
  private attempt = 0

  constructor(options: NegotiationOptions) {
    this.options = options
    this.controls = controls(options)
  }

  /** The first request, or what is missing for it. */
  start(): NegotiationOutput {
    for (const [option, feature] of needs) {
      if (this.options[option] && !this.options.features.has(HelloFeature[feature])) return { _tag: "Missing", feature, option }
    }
    return { _tag: "Open", name: this.options.name, flags: openFlags(this.options) }
  }

  /** The outstanding request was answered. */
  answered(status: number): NegotiationOutput {
    if (this.index === -1) return status === Status.Success ? this.next() : { _tag: "Refused", request: "DCP_OPEN", status }
    const { key, required, values } = this.controls[this.index]!
    if (status === Status.Success) {
      this.accepted.set(key, values[this.attempt]!)
      return this.next()
    }
    if (tolerable.has(status) && this.attempt + 1 < values.length) {
      this.attempt++
      return this.control()
    }
    if (required || !tolerable.has(status)) return { _tag: "Refused", request: key, status }
    this.refused.set(key, status)
    return this.next()
  }

  private next(): NegotiationOutput {
    this.index++
    this.attempt = 0
    return this.index < this.controls.length
      ? this.control()
      : { _tag: "Done", negotiated: { accepted: this.accepted, refused: this.refused } }
  }

  private control(): NegotiationOutput {
    const { key, values } = this.controls[this.index]!
    return { _tag: "Control", key, value: values[this.attempt]! }
  }
}
