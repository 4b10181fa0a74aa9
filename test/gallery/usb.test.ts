/** The gallery's spec of USB packets and descriptors against the recorded bytes of others. */
import { Recorded } from "./Conversations.ts"
import { usb } from "./Usb.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(usb))
