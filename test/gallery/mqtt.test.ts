/** The gallery's spec of MQTT 3.1.1 and 5 against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { mqtt } from "./Mqtt.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(mqtt)

galleryTests(recorded)
