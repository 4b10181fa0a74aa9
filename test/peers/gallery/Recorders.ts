/** The recorders, by the name of their file in the fixtures. */
import { record as memcached } from "./Memcached.ts"
import { record as mqtt } from "./Mqtt.ts"
import { record as nats } from "./Nats.ts"
import { record as postgres } from "./Postgres.ts"
import type { Recording } from "./Recording.ts"
import { record as resp } from "./Resp.ts"

/** A recorder starts a server, lets clients talk to it through a tap, and ends both. */
export const recorders: Readonly<Record<string, () => Promise<Recording>>> = { memcached, mqtt, nats, postgres, resp }
