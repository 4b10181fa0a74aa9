"""
python3-pylibmc as a client of several servers. Reads `{"servers": ["host:port:weight", …], "behaviors": {…}, "read": [key, …], "write": {key:
text}}` from standard input, reads and writes, and prints what it read as one object of JSON.
"""
import json
import sys

import pylibmc

given = json.load(sys.stdin)
client = pylibmc.Client(given["servers"], behaviors=given["behaviors"])
read = {key: value.decode() for key, value in client.get_multi(given["read"]).items()}
failed = client.set_multi(given["write"])
print(json.dumps({"read": read, "failed": failed}))
