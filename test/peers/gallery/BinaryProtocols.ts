/** The binary protocols of the gallery that are recorded here, each with what it needs, its recorder and its judge. */
import * as Amqp from "./Amqp.ts"
import * as Dns from "./Dns.ts"
import * as WebSocketFrames from "./WebSocketFrames.ts"
import * as Kafka from "./Kafka.ts"
import * as Modbus from "./Modbus.ts"
import * as Mongo from "./Mongo.ts"
import type { Judge, Recording } from "./TapBinary.ts"
import * as Tls from "./Tls.ts"
import type { Reading } from "./TsharkFields.ts"

/** How conversations of a protocol are had. */
export interface BinaryProtocol {
  /** Whether the programs and libraries are installed. */
  readonly available: () => boolean
  readonly record: () => Promise<Recording>
  readonly judge: () => Promise<Judge>
  /** Absent where tshark has no dissector. */
  readonly reading?: Reading
}

/** By the name of their recordings. */
export const binaryProtocols: Readonly<Record<string, BinaryProtocol>> = {
  amqp: Amqp,
  dns: Dns,
  kafka: Kafka,
  modbus: Modbus,
  mongodb: Mongo,
  tls: Tls,
  websocket: WebSocketFrames
}
