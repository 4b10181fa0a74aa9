/** MQTT 3.1.1 and 5 as mosquitto, its tools and npm's `mqtt` speak it. */
import * as Mqtt from "@wirewright/examples/gallery/mqtt"
import { models } from "@wirewright/examples/gallery/mqtt/Model"
import * as Schemas from "@wirewright/examples/gallery/mqtt/Schemas"
import type { Gallery } from "./Conversations.ts"

export const mqtt: Gallery = {
  title: "MQTT",
  fixtures: ["mqtt"],
  spec: "Mqtt.ts",
  models,
  generated: Mqtt,
  schemas: Schemas,
  follow: () => {
    let version = 4
    return {
      next: () => ({ states: { version } }),
      saw: (_, packet) => {
        if (packet._tag !== "Connect") return
        const { protocolVersion } = packet as unknown as Mqtt.Connect
        // a server refuses other versions in 3.1.1
        version = protocolVersion > 5 ? 4 : protocolVersion
      }
    }
  },
  refused: {
    "malformed on purpose, for which mosquitto closes the connection": [
      "raw 3.1.1 SUBSCRIBE with wrong flags, client, 17",
      "raw 5 SUBSCRIBE with wrong flags, client, 18",
      "raw 5 QoS 3, client, 18",
      "raw 5 unknown property, client, 18"
    ]
  }
}
