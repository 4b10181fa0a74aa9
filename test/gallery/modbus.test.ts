/** The gallery's spec of Modbus TCP against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { modbus } from "./Modbus.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(modbus))
