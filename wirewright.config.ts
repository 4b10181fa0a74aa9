/** Which spec becomes which code in this repository. */
import { defineConfig } from "wirewright"

export default defineConfig({
  targets: [
    { spec: "spec/src/memcached.ts", protocol: "memcached", out: "packages/memcached/src/gen" },
    { spec: "spec/src/memcached.ts", protocol: "memcachedText", out: "packages/memcached/src/text" },
    { spec: "spec/src/memcached.ts", protocol: "memcachedDatagram", out: "packages/memcached/src/datagram" },
    { spec: "spec/src/couchbase.ts", protocol: "couchbase", out: "packages/couchbase/src/gen" },
    { spec: "spec/src/dcp.ts", protocol: "dcp", out: "packages/dcp/src/gen" },
    { spec: "spec/src/deepstream.ts", protocol: "deepstream", out: "packages/deepstream/src/gen" },
    { spec: "spec/src/deepstream.ts", protocol: "deepstreamText", out: "packages/deepstream/src/gen7" },
    { spec: "spec/src/capture.ts", protocol: "capture", out: "packages/capture/src/gen" },
    { spec: "packages/examples/src/spec/LengthOf.ts", protocol: "measured", out: "packages/examples/src/gen" },
    { spec: "packages/examples/src/spec/Mqtt.ts", protocol: "mqtt", out: "packages/examples/src/gallery/mqtt" },
    { spec: "packages/examples/src/spec/Dns.ts", protocol: "dns", out: "packages/examples/src/gallery/dns" },
    { spec: "packages/examples/src/spec/Modbus.ts", protocol: "modbus", out: "packages/examples/src/gallery/modbus" },
    { spec: "packages/examples/src/spec/Tls.ts", protocol: "tls", out: "packages/examples/src/gallery/tls" },
    { spec: "packages/examples/src/spec/Kafka.ts", protocol: "kafka", out: "packages/examples/src/gallery/kafka" },
    { spec: "packages/examples/src/spec/Usb.ts", protocol: "usb", out: "packages/examples/src/gallery/usb" },
    { spec: "packages/examples/src/spec/Bson.ts", protocol: "bson", out: "packages/examples/src/gallery/bson" },
    { spec: "packages/examples/src/spec/WebSocket.ts", protocol: "websocket", out: "packages/examples/src/gallery/websocket" },
    { spec: "packages/examples/src/spec/Amqp.ts", protocol: "amqp", out: "packages/examples/src/gallery/amqp" },
    { spec: "packages/examples/src/spec/Resp.ts", protocol: "resp", out: "packages/examples/src/gallery/resp" },
    { spec: "packages/examples/src/spec/Postgres.ts", protocol: "postgres", out: "packages/examples/src/gallery/postgres" },
    { spec: "packages/examples/src/spec/Nats.ts", protocol: "nats", out: "packages/examples/src/gallery/nats" }
  ]
})
