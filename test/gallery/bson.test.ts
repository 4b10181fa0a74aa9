import { Recorded } from "./Conversations.ts"
import { bson } from "./Bson.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(bson))
