/** All protocols of the gallery. */
import { amqp } from "./Amqp.ts"
import { bson } from "./Bson.ts"
import type { Gallery } from "./Conversations.ts"
import { dns } from "./Dns.ts"
import { kafka } from "./Kafka.ts"
import { memcached } from "./Memcached.ts"
import { modbus } from "./Modbus.ts"
import { mqtt } from "./Mqtt.ts"
import { nats } from "./Nats.ts"
import { postgres } from "./Postgres.ts"
import { resp } from "./Resp.ts"
import { tls } from "./Tls.ts"
import { usb } from "./Usb.ts"
import { websocket } from "./WebSocket.ts"

/** In alphabetical order. */
export const all: ReadonlyArray<Gallery> = [amqp, bson, dns, kafka, memcached, modbus, mqtt, nats, postgres, resp, tls, usb, websocket]
