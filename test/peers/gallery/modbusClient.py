"""pymodbus's client: the function codes that npm's modbus-serial does not send, over one connection."""
import sys

from pymodbus import diag_message, file_message, mei_message, other_message
from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=3)
client.connect()
requests = [
    other_message.ReadExceptionStatusRequest(),
    diag_message.ReturnQueryDataRequest([0x1234]),
    diag_message.ReturnDiagnosticRegisterRequest(),
    diag_message.ReturnBusMessageCountRequest(),
    diag_message.ClearCountersRequest(),
    other_message.GetCommEventCounterRequest(),
    other_message.GetCommEventLogRequest(),
    other_message.ReportSlaveIdRequest(),
    file_message.ReadFileRecordRequest([file_message.FileRecord(file_number=4, record_number=1, record_length=2)]),
    file_message.WriteFileRecordRequest([file_message.FileRecord(file_number=4, record_number=7, record_data=b"\x06\xaf\x04\xbe")]),
    file_message.ReadFifoQueueRequest(0x04DE),
    mei_message.ReadDeviceInformationRequest(read_code=1, object_id=0),
    mei_message.ReadDeviceInformationRequest(read_code=2, object_id=0),
    mei_message.ReadDeviceInformationRequest(read_code=4, object_id=2),
]
for request in requests:
    request.unit_id = 1
    print(request.function_code, client.execute(request), flush=True)
client.close()
