/** The gallery's spec of DNS messages against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { dns } from "./Dns.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(dns))
