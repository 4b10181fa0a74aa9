import { Recorded } from "./Conversations.ts"
import { amqp } from "./Amqp.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(amqp))
