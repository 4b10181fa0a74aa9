/** The gallery's spec of NATS against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { nats } from "./Nats.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(nats)

galleryTests(recorded)
