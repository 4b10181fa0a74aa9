/** WebSocket frames against what ws and Node said. */
import { Recorded } from "./Conversations.ts"
import { websocket } from "./WebSocket.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(websocket))
