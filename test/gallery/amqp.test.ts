/** The gallery's spec of AMQP 0-9-1 against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { amqp } from "./Amqp.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(amqp))
