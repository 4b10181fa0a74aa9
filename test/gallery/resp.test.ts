/** The gallery's spec of RESP2 and RESP3 against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { resp } from "./Resp.ts"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded(resp)

galleryTests(recorded)
