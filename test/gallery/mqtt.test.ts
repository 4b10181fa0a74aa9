/** The gallery's spec of MQTT 3.1.1 and 5 against the recorded bytes of others. */
import { lostBesideBad, Recorded } from "./Conversations.ts"
import { expect, it } from "vitest"
import { mqtt } from "./Mqtt.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(mqtt)

galleryTests(recorded)

it("there is a bad packet to lose good ones at", () => {
  expect(lostBesideBad(recorded).tried).toContain("packet")
})
