"""Reads the PDU of a response with pymodbus: its class and fields as JSON, or an error and exit code 1."""
import json
import sys

from pymodbus.factory import ClientDecoder

pdu = bytes.fromhex(sys.argv[1])
read = ClientDecoder().decode(pdu)
if read is None:
    sys.exit("not understood")
fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in vars(read).items()}
print(json.dumps({"name": type(read).__name__, **fields}, default=str))
