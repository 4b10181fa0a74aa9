/** The gallery's spec of TLS records and handshakes against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { tls } from "./Tls.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(tls))
