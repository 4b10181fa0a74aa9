/** TLS against what OpenSSL said. */
import { Recorded } from "./Conversations.ts"
import { tls } from "./Tls.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(tls))
