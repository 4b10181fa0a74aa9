/** Descriptors of USB devices (USB 2.0, 9.6; HID 1.11, 6.2.1), with the names that these documents give their fields. */
import { array, bits, bodyLength, countOf, enumeration, frame, opcode, optional, packetsOf, protocol, slice, struct, u16, u8 } from "@wirewright/dsl"

const usbFrame = frame("USB", {
  sections: ["descriptor"],
  kinds: { descriptor: { headers: [{ fields: { bLength: bodyLength(u8, { from: "frame" }), bDescriptorType: opcode(u8) } }] } },
  byteOrder: "little",
  maxFrame: 255
})
const descriptor = packetsOf(usbFrame, "descriptor")

const ClassCode = enumeration("ClassCode", u8, {
  PerInterface: 0x00,
  Audio: 0x01,
  Communications: 0x02,
  HumanInterface: 0x03,
  Physical: 0x05,
  Image: 0x06,
  Printer: 0x07,
  MassStorage: 0x08,
  Hub: 0x09,
  CommunicationsData: 0x0a,
  SmartCard: 0x0b,
  Video: 0x0e,
  Wireless: 0xe0,
  Miscellaneous: 0xef,
  ApplicationSpecific: 0xfe,
  VendorSpecific: 0xff
})
const TransferType = enumeration("TransferType", u8, { Control: 0, Isochronous: 1, Bulk: 2, Interrupt: 3 })
/** A version in binary coded decimals: 0x0210 is 2.1. */
const bcd = u16

/** The device as a whole. Strings are told by their index; 0 is none. */
export const device = descriptor("Device", {
  opcode: 1,
  fields: {
    bcdUSB: bcd,
    bDeviceClass: ClassCode,
    bDeviceSubClass: u8,
    bDeviceProtocol: u8,
    bMaxPacketSize0: u8,
    idVendor: u16,
    idProduct: u16,
    bcdDevice: bcd,
    iManufacturer: u8,
    iProduct: u8,
    iSerialNumber: u8,
    bNumConfigurations: u8
  }
})

/** A configuration; the descriptors of its interfaces and endpoints follow it. */
export const configuration = descriptor("Configuration", {
  opcode: 2,
  fields: {
    /** Bytes of this descriptor and those that belong to it. */
    wTotalLength: u16,
    bNumInterfaces: u8,
    bConfigurationValue: u8,
    iConfiguration: u8,
    bmAttributes: bits(u8, { busPowered: slice(7), selfPowered: slice(6), remoteWakeup: slice(5), reserved: slice(4, 0) }),
    /** In units of 2 mA. */
    bMaxPower: u8
  }
})

/** An interface, or one of its alternate settings. */
export const usbInterface = descriptor("Interface", {
  opcode: 4,
  fields: {
    bInterfaceNumber: u8,
    bAlternateSetting: u8,
    bNumEndpoints: u8,
    bInterfaceClass: ClassCode,
    bInterfaceSubClass: u8,
    bInterfaceProtocol: u8,
    iInterface: u8
  }
})

/** An endpoint. */
export const endpoint = descriptor("Endpoint", {
  opcode: 5,
  fields: {
    bEndpointAddress: bits(u8, { in: slice(7), endpointNumber: slice(3, 0) }),
    bmAttributes: bits(u8, { transferType: slice(1, 0, { of: TransferType }), synchronizationType: slice(3, 2), usageType: slice(5, 4) }),
    wMaxPacketSize: bits(u16, { maxPacketSize: slice(10, 0), additionalTransactions: slice(12, 11) }),
    bInterval: u8,
    /** Audio devices alone have this and the next. */
    bRefresh: optional(u8),
    bSynchAddress: optional(u8, { requires: "bRefresh" })
  }
})

/** A human interface device: a keyboard, a mouse. */
export const hid = descriptor("Hid", {
  opcode: 0x21,
  fields: {
    bcdHID: bcd,
    bCountryCode: u8,
    bNumDescriptors: countOf(u8, "descriptors"),
    descriptors: array(struct("ClassDescriptor", { bDescriptorType: u8, wDescriptorLength: u16 }))
  }
})

/** What a USB device says of itself. */
export const usb = protocol(usbFrame, {
  name: "usb",
  module: "@wirewright/examples/gallery/usb",
  commands: [device, configuration, usbInterface, endpoint, hid]
})
