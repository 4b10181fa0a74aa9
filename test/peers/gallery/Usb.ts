/**
 * USB descriptors of real devices, and how lsusb reads them: umockdev puts a device with given descriptors before it. No USB device is at hand, so
 * the bytes are those that others recorded.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasProgram, run } from "./Programs.ts"
import type { Verdict } from "./TapBinary.ts"

/** Whether lsusb and umockdev are installed. */
export const available = (): boolean => hasProgram("lsusb") && hasProgram("umockdev-run")

/** A device's descriptor with its configurations, as Linux keeps them. */
export interface UsbDevice {
  readonly name: string
  readonly hex: string
}

/** From the recordings in umockdev's repository (`devices/`, commit 39f785a7). */
export const devices: ReadonlyArray<UsbDevice> = [
  {
    name: "USB keyboard with two HID interfaces",
    hex:
      "1201100100000008d904031610030102000109023b00020100a032090400000103010100092110010001223e000705810308000a0904010001030000000921100100" +
      "012265000705820308000a"
  },
  {
    name: "keyboard of a keyboard with a hub",
    hex: "1201100100000008f305070020030000000109023b00020100a020090400000103010100092100012101223f000705810308" +
      "000809040100010300000009210001000122640007058203040008"
  },
  { name: "keyboard's hub", hex: "1201100109000008f305810020030102000109021900010100a019090400000109000000070581030100ff" },
  {
    name: "camera",
    hex: "1201000200000040a904c03102000102030109022700010100c001090400000306010100070581020002000705020200020007058303080009"
  },
  {
    name: "telephone",
    hex: "1201000200000040ce0f660126020203040109022700010100c0fa0904000003ffff00050705810200020007050202000200070582031c0006"
  },
  {
    name: "security key",
    hex: "12010002000000405010200112050102000109022900010100800f0904000002030000000921100100012222000705040340000207058403400002"
  },
  {
    name: "hub with alternate settings",
    hex: "1201000209000240ef17051001000000000109022900010100e0010904000001090001000705810301000c0904000101090002000705810301000c"
  },
  {
    name: "four-port hub",
    hex: "1201100209000240da0b115404010102000109022900010100e0000904000001090001000705810301000c0904000101090002000705810301000c"
  },
  { name: "NEC hub", hex: "12010002090001400904580000010102000109021900010100e0320904000001090000000705810301000c" },
  { name: "rate matching hub", hex: "12010002090001408780200000000000000109021900010100e0000904000001090000000705810301000c" },
  { name: "root hub, EHCI", hex: "12010002090000406b1d020005030302010109021900010100e0000904000001090000000705810304000c" },
  { name: "root hub, xHCI", hex: "12010002090001406b1d020013050302010109021900010100e0000904000001090000000705810304000c" }
]

/** What `lsusb -v` prints of a device with these descriptors: from "Device Descriptor:" on. */
const lsusb = async (hex: string): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-usb-"))
  try {
    const word = (at: number): string => hex.slice(at * 2 + 2, at * 2 + 4) + hex.slice(at * 2, at * 2 + 2)
    const lines = [
      "P: /devices/pci0000:00/0000:00:1a.0/usb1",
      "N: bus/usb/001/002",
      ...[
        "BUSNUM=001",
        "DEVNUM=002",
        "DEVNAME=/dev/bus/usb/001/002",
        "DEVTYPE=usb_device",
        "DRIVER=usb",
        "MAJOR=189",
        "MINOR=1",
        "SUBSYSTEM=usb"
      ]
        .map((one) => `E: ${one}`),
      ...["bConfigurationValue=1", "busnum=1", "devnum=2", "dev=189:1", "speed=12", `idVendor=${word(8)}`, `idProduct=${word(10)}`]
        .map((one) => `A: ${one}`),
      `H: descriptors=${hex.toUpperCase()}`,
      "",
      ""
    ]
    const file = join(folder, "device.umockdev")
    writeFileSync(file, lines.join("\n"))
    const { text } = await run("umockdev-run", ["-d", file, "--", "lsusb", "-v"])
    const at = text.indexOf("Device Descriptor:")
    return at < 0 ? "" : text.slice(at).trimEnd()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The devices with what lsusb reads. */
export const usbDevices = async (): Promise<ReadonlyArray<UsbDevice & { readonly lsusb: ReadonlyArray<string> }>> => {
  const read = []
  for (const { hex, name } of devices) read.push({ name, hex, lsusb: (await lsusb(hex)).split("\n") })
  return read
}

/** lsusb has understood descriptors when it shows a device, all of its interfaces, and nothing that it calls wrong. */
export const accepts = async (bytes: Uint8Array): Promise<Verdict> => {
  const said = await lsusb(Buffer.from(bytes).toString("hex"))
  const promised = [...said.matchAll(/bNumInterfaces +(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  const shown = new Set([...said.matchAll(/bInterfaceNumber +(\d+)/g)].map(([, number]) => number)).size
  const configurations = Number(/bNumConfigurations +(\d+)/.exec(said)?.[1] ?? -1)
  const whole = [...said.matchAll(/Configuration Descriptor:/g)].length === configurations
  const complaint = /invalid|unrecognized|warning|junk|couldn't|too (?:short|long)|\*\*/i
  return { understood: said !== "" && whole && shown === promised && !complaint.test(said), said }
}

/** The version of what reads. */
export const lsusbVersion = async (): Promise<string> => (await run("lsusb", ["-V"])).text.trim()
