/** The gallery's spec of Kafka's protocol against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { kafka } from "./Kafka.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(kafka))
