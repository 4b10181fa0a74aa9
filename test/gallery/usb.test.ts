/** USB descriptors of twelve devices. */
import { Recorded } from "./Conversations.ts"
import { usb } from "./Usb.ts"
import { galleryTests } from "./Suite.ts"

galleryTests(new Recorded(usb))
