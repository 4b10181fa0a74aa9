"""Metadata responses of versions 3 to 5 without their size and correlation id, as kafka-python writes them: JSON of hexadecimal bytes by version."""
import json

import kafka.vendor.six  # noqa: F401  Debian's package needs it first
from kafka.protocol.metadata import MetadataResponse

brokers = [(1, "127.0.0.1", 9092, None), (2, "broker-2.gallery.test", 9093, "rack-b")]
plain = [(0, 0, 1, [1, 2], [1, 2]), (9, 1, 2, [2, 1], [2])]
offline = [partition + ([1],) for partition in plain]
topics = {
    version: [(0, "gallery", False, offline if version >= 5 else plain), (3, "missing", False, []), (0, "__offsets", True, [])]
    for version in (3, 4, 5)
}
responses = {v: MetadataResponse[v](v, brokers, "gallery-cluster", 1, topics[v]) for v in topics}
print(json.dumps({v: responses[v].encode().hex() for v in responses}))
