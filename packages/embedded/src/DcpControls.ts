/**
 * What a DCP client may set with DCP_CONTROL, one key at a time in any order. Pure.
 *
 * Source: kv_engine `engines/ep/src/dcp/producer.cc`, `DcpProducer::control`, and `daemon/mcbp_validators.cc`.
 */
import { DcpOpenFlags, Status } from "@wirewright/dcp/gen"

/** What is set. */
export interface DcpSettings {
  noop: boolean
  /** Milliseconds between two NOOPs. */
  noopInterval: number
  /** Values are compressed where that makes them smaller. */
  compressed: boolean
  streamEndOnClose: boolean
  expirations: boolean
  streamIds: boolean
  /** Markers may have the purge seqno. */
  markers: boolean
  v7Statuses: boolean
  /** Prepares, commits and aborts are told as such. */
  syncWrites: boolean
  priority: string
}

/** What is set before anything is. */
export const initialSettings = (): DcpSettings => ({
  noop: false,
  noopInterval: 180_000,
  compressed: false,
  streamEndOnClose: false,
  expirations: false,
  streamIds: false,
  markers: false,
  v7Statuses: false,
  syncWrites: false,
  priority: "medium"
})

/** What was negotiated before. */
export interface ControlContext {
  readonly collections: boolean
  readonly snappy: boolean
  /** Flags of DCP_OPEN. */
  readonly flags: number
}

const truth = (value: string): boolean | undefined => value === "true" ? true : value === "false" ? false : undefined

type Setter = (settings: DcpSettings, value: string, context: ControlContext) => number

const flag = (set: (settings: DcpSettings, on: boolean) => void): Setter => (settings, value) => {
  const on = truth(value)
  if (on === undefined) return Status.Einval
  set(settings, on)
  return Status.Success
}

/** Keys that change nothing here, but are known. */
const accepted: Setter = flag(() => {})

const compressing: Setter = flag((settings, on) => settings.compressed = on)

const setters: { readonly [key: string]: Setter | undefined } = {
  enable_noop: flag((settings, on) => settings.noop = on),
  set_noop_interval: (settings, value) => {
    const seconds = Number(value)
    if (!/^\d+(\.\d+)?$/.test(value) || seconds < 0.1 || seconds > 10_800) return Status.Einval
    settings.noopInterval = seconds * 1000
    return Status.Success
  },
  set_priority: (settings, value) => {
    if (!["low", "medium", "high"].includes(value)) return Status.Einval
    settings.priority = value
    return Status.Success
  },
  supports_cursor_dropping: accepted,
  supports_cursor_dropping_vulcan: accepted,
  supports_hifi_MFU: accepted,
  send_stream_end_on_client_close_stream: flag((settings, on) => settings.streamEndOnClose = on),
  enable_expiry_opcode: flag((settings, on) => settings.expirations = on),
  force_value_compression: (settings, value, context) => context.snappy ? compressing(settings, value, context) : Status.Einval,
  enable_sync_writes: (settings, value) => {
    if (value !== "true") return Status.Einval
    if (settings.streamIds) return Status.NotSupported
    settings.syncWrites = true
    return Status.Success
  },
  enable_stream_id: (settings, value) => {
    if (value !== "true") return Status.Einval
    if (settings.syncWrites) return Status.NotSupported
    settings.streamIds = true
    return Status.Success
  },
  enable_out_of_order_snapshots: (_, value) => value === "true" || value === "true_with_seqno_advanced" ? Status.Success : Status.Einval,
  include_deleted_user_xattrs: (_, value, { flags }) =>
    value === "true" && (flags & DcpOpenFlags.includeDeletedUserXattrs) !== 0 ? Status.Success : Status.Einval,
  change_streams: () => Status.NotSupported,
  max_marker_version: (settings, value, { collections }) => {
    if (!collections) return Status.NotSupported
    if (value !== "2.0" && value !== "2.2") return Status.Einval
    settings.markers = value === "2.2"
    return Status.Success
  },
  backfill_order: (_, value) => value === "round-robin" || value === "sequential" ? Status.Success : Status.Einval,
  v7_dcp_status_codes: flag((settings, on) => settings.v7Statuses = on),
  stream_buffer_size: () => Status.NotSupported
}

/** The size of a window in bytes; undefined when the value is none. */
export const windowSize = (value: string): number | undefined =>
  /^\d{1,10}$/.test(value) && Number(value) <= 0xffff_ffff ? Number(value) : undefined

/** Sets a key; returns the status of the answer. Unknown keys are refused as wrong ones are. */
export const control = (settings: DcpSettings, key: string, value: string, context: ControlContext): number => {
  if (key === "" || value === "" || !Object.hasOwn(setters, key)) return Status.Einval
  return setters[key]!(settings, value, context)
}
