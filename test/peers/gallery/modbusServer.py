"""pymodbus's TCP server on a port of loopback, with a block of each kind of data and an identity, until it is ended."""
import sys

from pymodbus import version
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartTcpServer

bits = [i % 3 == 0 for i in range(2048)]
words = [i * 257 & 0xFFFF for i in range(512)]
context = ModbusSlaveContext(
    di=ModbusSequentialDataBlock(0, list(bits)),
    co=ModbusSequentialDataBlock(0, list(bits)),
    hr=ModbusSequentialDataBlock(0, list(words)),
    ir=ModbusSequentialDataBlock(0, list(reversed(words))),
    zero_mode=True,
)
identity = ModbusDeviceIdentification(
    info_name={
        "VendorName": "Gallery",
        "ProductCode": "GW",
        "VendorUrl": "http://gallery.test/",
        "ProductName": "a server of Modbus",
        "ModelName": "TCP",
        "MajorMinorRevision": version.version.short(),
    }
)
print("pymodbus", version.version.short(), flush=True)
StartTcpServer(context=ModbusServerContext(slaves=context, single=True), identity=identity, address=("127.0.0.1", int(sys.argv[1])))
