/** Kafka against what its clients and librdkafka's broker said. */
import { Recorded } from "./Conversations.ts"
import { kafka } from "./Kafka.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(kafka))
