/** The gallery's spec of WebSocket frames against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { websocket } from "./WebSocket.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(websocket))
